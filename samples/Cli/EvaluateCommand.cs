using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary><c>evaluate</c>: how often a network is right about a folder of images.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var (network, reading) = (new NetworkOptions(), new ReadingOptions());
        var data = new Argument<string>("data") { Description = "Folder of images, one sub-folder per class, named as the network's classes are." };
        var top = new Option<int>("--top") { Description = "Also the share of images whose class is among so many likeliest.", DefaultValueFactory = _ => 5 }.AtLeastOne();
        var command = new Command("evaluate", "Tests a network on a folder of images: accuracy, log-loss, precision and recall of each class. Needs no libtorch.");
        network.AddTo(command);
        command.Add(data);
        command.Add(top);
        reading.AddTo(command);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var reader = reading.NewReader(arguments, terminal, cancellation);
            var evaluation = Run(network.Load(arguments, terminal, cancellation), arguments.GetValue(data)!, arguments.GetValue(top), reader);
            terminal.Write(evaluation, result => WriteText(result, terminal));
            return reader.ExitCode;
        });
    }

    private static Evaluation Run(Network network, string folder, int top, ImageReader reader)
    {
        var ml = new MLContext();
        ImageFolderRow[] files = [.. ml.Data.CreateEnumerable<ImageFolderRow>(ml.Data.LoadImageFolder(folder), reuseRowObject: false)];
        using var classifier = new Classifier(network);
        if (files.Select(file => file.Label).FirstOrDefault(label => !classifier.ClassNames.Contains(label)) is { } unknown)
        {
            throw new ArgumentException($"Folder '{folder}' has a class '{unknown}' that '{network.Source}' does not know. Its classes are: {string.Join(", ", classifier.ClassNames.Take(10))}{(classifier.ClassNames.Length > 10 ? ", …" : "")}.");
        }

        var scored = new List<ScoredImage>();
        reader.ForEach("testing", [.. files.Select(file => file.ImagePath)], (index, image) => scored.Add(new ScoredImage(classifier.ClassNames.IndexOf(files[index].Label), classifier.Score(image))));
        if (scored.Count == 0)
        {
            throw new InvalidDataException($"None of the {files.Length:n0} images in '{folder}' can be read.");
        }

        return Evaluation.Of(classifier.ClassNames, scored, Math.Min(top, classifier.ClassNames.Length), reader.Failed);
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
                .Select(each => new[] { each.Name, each.Images.ToString("n0", CultureInfo.InvariantCulture), Share(each.Precision), Share(each.Recall) }));
    }

    private static string Share(double? value) => value?.ToString("p2", CultureInfo.InvariantCulture) ?? "-";
}
