using System.CommandLine;
using System.Globalization;
using Microsoft.ML.ResNet;
using Samples;

namespace Cli;

/// <summary><c>evaluate</c>: how often a network is right about a folder of images.</summary>
internal static class EvaluateCommand
{
    private const int MostColumns = 25; // of the confusion matrix
    private const int MostPairs = 20;
    private const int ColumnSpace = 3; // what a table puts between two columns

    public static Command Create()
    {
        var (network, reading) = (new NetworkOptions(), new ReadingOptions());
        var data = new Argument<string>("data")
        {
            Description = "Folder of images, one sub-folder per class, named as the network's classes are; or shards, such as "
                + "\"test-{0000..0009}.tar\". For a network of any number of labels, a CSV file with a line for each image: "
                + "photos/1.jpg,dog|beach",
        };
        var threshold = OptionValues.Share("--threshold",
            "For a network of any number of labels: the probability above which a label is told. [default: 0.5]");
        var top = OptionValues.Whole("--top", "Also the share of images whose class is among so many likeliest.", least: 1, byDefault: 5);
        var command = new Command("evaluate",
            "Tests a network on a folder of images: accuracy, log-loss, precision and recall of each class, and the confusion matrix. "
            + "Needs no libtorch.");
        network.AddTo(command);
        command.Add(data);
        command.Add(top);
        command.Add(threshold);
        reading.AddTo(command);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var reader = reading.NewReader(arguments, terminal, cancellation);
            using var classifier = network.Open(arguments, reader, terminal, cancellation);
            var images = LabeledImages.From(arguments.GetValue(data)!, reader.OfShards(), terminal, cancellation);
            images.RefuseOtherKindThan(classifier.HasSeveralLabels, classifier.Source);
            UsageException.ThrowIf(arguments.GetValue(threshold) is not null && !classifier.HasSeveralLabels,
                $"--threshold is for networks of any number of labels, but '{classifier.Source}' gives an image one class: leave it out.");
            if (classifier.HasSeveralLabels)
            {
                terminal.Write(
                    RunOnLabels(classifier, images, arguments.GetValue(threshold) ?? 0.5, reader), result => result.WriteText(terminal));
                return reader.ExitCode;
            }

            terminal.Write(Run(classifier, images, arguments.GetValue(top), reader), result => WriteText(result, terminal));
            return reader.ExitCode;
        });
    }

    private static LabelEvaluation RunOnLabels(Classifier classifier, LabeledImages images, double threshold, ImageReader reader)
    {
        var predictor = classifier.Predictor;
        classifier.Refuse(images);
        var scored = new List<ScoredLabels>();
        reader.Predict("testing", Array.ConvertAll(images.Files, file => file.ImagePath), predictor,
            (index, prediction) =>
            {
                var labels = LabelList.Labels(images.Files[index].Label);
                scored.Add(new ScoredLabels
                {
                    Label = [.. predictor.ClassNames.Select(name => labels.Contains(name))],
                    Score = prediction.Probabilities.ToArray(),
                });
            });
        ThrowIfNone(scored.Count, images);
        return LabelEvaluation.Of(predictor.ClassNames, scored, threshold, reader.Failed);
    }

    private static void ThrowIfNone(int read, LabeledImages images)
    {
        if (read == 0)
        {
            throw images.NoneReadable();
        }
    }

    private static Evaluation Run(Classifier classifier, LabeledImages images, int top, ImageReader reader)
    {
        var predictor = classifier.Predictor;
        classifier.Refuse(images);

        var scored = new List<ScoredImage>();
        if (images.Shards is null)
        {
            reader.Predict("testing", Array.ConvertAll(images.Files, file => file.ImagePath), predictor,
                (index, prediction) => Add(images.Files[index].Label, prediction));
        }
        else
        {
            reader.ForEach("testing", images, (label, image) => Add(label, predictor.Predict(image)));
        }

        ThrowIfNone(scored.Count, images);
        return Evaluation.Of(predictor.ClassNames, scored, Math.Min(top, predictor.ClassNames.Length), reader.Failed);

        void Add(string label, ResNetPrediction prediction) =>
            scored.Add(new ScoredImage(predictor.ClassNames.IndexOf(label), prediction.Probabilities.ToArray()));
    }

    private static void WriteText(Evaluation result, Terminal terminal)
    {
        terminal.WriteTable(["figure", "value"],
        [
            ["images", result.Images.ToString("n0", CultureInfo.InvariantCulture)],
            ["accuracy", Share(result.Accuracy)],
            [$"top-{result.Top} accuracy", Share(result.TopAccuracy)],
            ["mean recall", Share(result.MacroAccuracy)],
            ["log-loss", result.LogLoss.ToString("f4", CultureInfo.InvariantCulture)],
        ]);
        terminal.WriteTable(["class", "images", "precision", "recall"],
            result.Classes.Where(each => each.Images > 0 || each.Precision is not null)
                .Select(each => new[]
                {
                    each.Name, each.Images.ToString("n0", CultureInfo.InvariantCulture), Share(each.Precision), Share(each.Recall),
                }));
        WriteConfusion(result, terminal);
    }

    // A row for each class that images are of, a column for each that they were given to.
    // Of many classes, the pairs that are confused most.
    private static void WriteConfusion(Evaluation result, Terminal terminal)
    {
        int[] shown = [.. Enumerable.Range(0, result.Classes.Length)
            .Where(i => result.Classes[i].Images > 0 || result.Confusion.Any(row => row[i] > 0))];
        string[] names = [.. shown.Select(i => result.Classes[i].Name)];
        var corner = "is \\ predicted";
        var room = Terminal.Width - ColumnSpace - Math.Max(corner.Length, names.Max(name => name.Length));
        if (shown.Length <= MostColumns && ColumnHeads.Fit(names, room, ColumnSpace) is { } heads)
        {
            terminal.WriteTable([corner, .. heads],
                shown.Select((row, i) => (string[])[names[i], .. shown.Select(column => Count(result.Confusion[row][column]))]));
            return;
        }

        terminal.WriteTable(["is", "predicted", "images"],
            shown.SelectMany(row => shown.Where(column => column != row).Select(column =>
                (Row: row, Column: column, Images: result.Confusion[row][column])))
                .Where(pair => pair.Images > 0).OrderByDescending(pair => pair.Images).Take(MostPairs)
                .Select(pair => new[] { result.Classes[pair.Row].Name, result.Classes[pair.Column].Name, Count(pair.Images) }));
    }

    private static string Count(int count) => count.ToString("n0", CultureInfo.InvariantCulture);

    private static string Share(double? value) => value?.ToString("p2", CultureInfo.InvariantCulture) ?? "-";
}
