using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary><c>clean</c>: the images of a folder whose label is probably wrong.</summary>
internal static class CleanCommand
{
    public static Command Create()
    {
        var (network, reading) = (new NetworkOptions(StartingPoint.Pretrained), new ReadingOptions());
        var data = new Argument<string>("data") { Description = "Folder of images, one sub-folder per class." };
        var report = new Option<string?>("--report") { Description = "The HTML file to write, with pictures.", HelpName = "file" }.Named();
        var csv = new Option<string?>("--csv") { Description = "The CSV file to write.", HelpName = "file" }.Named();
        var folds = OptionValues.Whole(
            "--folds",
            "In how many parts the images are divided; each is judged by what was learned from the others.", least: 2, byDefault: 5);
        var margin = new Option<double>("--margin")
        {
            Description = "How much likelier, at least, the suggested class must be than the label, 0 to 1.",
            HelpName = "number",
            CustomParser = result =>
            {
                if (!double.TryParse(result.Tokens[^1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                    || value is not (>= 0 and <= 1))
                {
                    OptionValues.Refuse(result, "a number from 0 to 1");
                }

                return value;
            },
        };
        var moveTo = new Option<string?>("--move-to")
        {
            Description = "A folder outside of the images' own, to which the listed images are moved, in sub-folders as before. "
                + "Without it, no image is moved.",
            HelpName = "folder",
        }.Named();
        var command = new Command(
            "clean",
            "Lists the images whose label is probably wrong, the surest first (confident learning, Northcutt et al., 2021). Needs no "
            + "libtorch. Look at each before you act: hard images are among them, whose labels are right.");
        command.Add(data);
        network.AddTo(command);
        command.Add(report);
        command.Add(csv);
        command.Add(folds);
        command.Add(margin);
        command.Add(moveTo);
        reading.AddTo(command);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var (reportPath, csvPath) = (arguments.GetValue(report), arguments.GetValue(csv));
            foreach (var path in new[] { reportPath, csvPath }.OfType<string>())
            {
                OutputFile.Checked(path);
            }

            var labeled = LabeledImages.In(arguments.GetValue(data)!);
            if (labeled.Classes.Length < 2)
            {
                throw new ArgumentException(
                    $"Folder '{labeled.Folder}' has images of one class only, '{labeled.Classes[0]}': "
                        + "there is no other that they could belong to.");
            }

            var target = arguments.GetValue(moveTo);
            RefuseInside(labeled.Folder, target);
            var source = network.Load(arguments, terminal, cancellation);
            var reader = reading.NewReader(arguments, terminal, cancellation);
            labeled = labeled.Readable("checking images", reader);
            var options = new LabelIssueOptions { Folds = arguments.GetValue(folds), CancellationToken = cancellation };
            var all = terminal.Track("looking for wrong labels", _ => Find(labeled, source, options));
            var found = all.FromMargin(arguments.GetValue(margin));
            if (reportPath is not null)
            {
                found.WriteReport(reportPath);
            }

            if (csvPath is not null)
            {
                found.WriteCsv(csvPath);
            }

            var moved = target is null ? 0 : Move(labeled.Folder, found, target);
            Write(terminal, found, reader.Failed, moved);
            return reader.ExitCode;
        });
    }

    private static LabelIssues Find(LabeledImages labeled, Network network, LabelIssueOptions options)
    {
        var ml = new MLContext();
        var files = labeled.ToView(ml);
        using var model = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.Transforms.ResNetFeaturizeImage(
                network.Weights, network.Architecture, preprocessing: network.RequiredPreprocessing))
            .Fit(files);
        return ml.MulticlassClassification.FindLabelIssues(model.Transform(files), options);
    }

    private static void RefuseInside(string folder, string? target)
    {
        if (target is not null && Path.GetRelativePath(folder, target) is var relative
            && relative != ".." && !relative.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            && !Path.IsPathRooted(relative))
        {
            throw new ArgumentException(
                $"--move-to is '{target}', which is in the folder of images, '{folder}': they would be images of it still. "
                    + "Name another folder.");
        }
    }

    // All or none: where a file would be written over, nothing is moved.
    private static int Move(string folder, LabelIssues found, string target)
    {
        var moves = found.Issues.Select(issue => (From: issue.Path!, To: Path.Combine(target, Path.GetRelativePath(folder, issue.Path!))))
            .ToArray();
        if (moves.FirstOrDefault(move => File.Exists(move.To)).To is { } existing)
        {
            throw new IOException($"There is a file '{existing}' already, so no image was moved. "
                + "Name another folder with --move-to, or move that file away.");
        }

        foreach (var (from, to) in moves)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Move(from, to);
        }

        return moves.Length;
    }

    private static void Write(Terminal terminal, LabelIssues found, int failed, int moved)
    {
        var issues = found.Issues.Select(issue => new
        {
            file = issue.Path,
            label = issue.Label,
            suggested = issue.Suggested,
            probability = issue.Probability,
            suggestedProbability = issue.SuggestedProbability,
            margin = issue.Margin,
        }).ToArray();
        terminal.Write(new { images = found.ImageCount, failed, accuracy = found.Accuracy, moved, issues }, result =>
        {
            terminal.WriteTable(
                ["file", "label", "suggested", "margin"],
                result.issues.Select(issue => (string[])
                    [issue.file!, issue.label, issue.suggested, issue.margin.ToString("0.000", CultureInfo.InvariantCulture)]));
            terminal.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"{result.issues.Length:n0} of {result.images:n0} labels may be wrong. What was learned from the other images agrees "
                    + $"with {result.accuracy:p1} of all labels; the lower that is, the less the list can be trusted."));
            if (result.moved > 0)
            {
                terminal.Say($"{result.moved:n0} images were moved.");
            }
        });
    }
}
