using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Finds out which images and classes are in shards, by their labels: images are passed over.</summary>
internal static class ShardLabels
{
    private const string Ending = ".tar";

    /// <summary>Tells whether a name means shards: <c>train-{0000..0146}.tar</c>, in files or on the web.</summary>
    public static bool AreMeant(string name) =>
        IsOnTheWeb(name) || (name.TrimEnd('}').EndsWith(Ending, StringComparison.OrdinalIgnoreCase) && !Directory.Exists(name));

    /// <summary>Lists the images of shards by their labels. Damaged samples are named, and left out where the options say so.</summary>
    /// <param name="shards">The names of the shards.</param>
    /// <param name="options">How they are read.</param>
    /// <param name="terminal">Where it is told what is left out.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="IOException">A shard is not there, or cannot be read.</exception>
    /// <exception cref="InvalidDataException">There is no label in them, or one that is not in the list of classes beside them.</exception>
    public static LabeledImages Read(
        string shards, ImageShardOptions options, Terminal terminal, CancellationToken cancellation)
    {
        var view = new MLContext().Data.LoadImageShards(shards, options);
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        terminal.Track("reading labels", bar =>
        {
            bar?.IsIndeterminate = true;
            foreach (var label in view.GetColumn<string>("Label").Where(label => label.Length > 0))
            {
                cancellation.ThrowIfCancellationRequested();
                counts[label] = counts.GetValueOrDefault(label) + 1;
            }

            return counts.Count;
        });
        foreach (var skipped in view.Skipped)
        {
            terminal.Say($"{skipped} It is left out.");
        }

        if (counts.Count == 0)
        {
            throw new InvalidDataException(
                $"No sample of '{shards}' has a label: beside each image must lie a .json with the property 'label', a .cls or a .txt.");
        }

        var classes = Classes(view.Shards[0], [.. counts.Keys]);
        var rows = counts.SelectMany(each => Enumerable.Repeat(
            new ImageFolderRow { Label = NameOf(each.Key, classes), ImagePath = "" }, each.Value));
        return new LabeledImages(shards, [.. rows]) { Shards = options, Classes = classes };
    }

    // A label is a name, or the number of one in the list that 'resnet shard' writes beside shards.
    private static string NameOf(string label, ImmutableArray<string> classes) =>
        classes.Contains(label) ? label : classes[int.Parse(label, CultureInfo.InvariantCulture)];

    private static ImmutableArray<string> Classes(string shard, string[] labels)
    {
        var list = Path.Combine(Path.GetDirectoryName(shard) ?? "", ShardWriter.ClassesFile);
        if (IsOnTheWeb(shard) || !File.Exists(list))
        {
            return labels.All(IsNumber) ? [.. labels.OrderBy(Number)] : [.. labels.Order(StringComparer.Ordinal)];
        }

        ImmutableArray<string> names = [.. File.ReadLines(list).Where(name => name.Length > 0).Distinct(StringComparer.Ordinal)];
        if (labels.FirstOrDefault(label => !names.Contains(label) && !(IsNumber(label) && Number(label) < names.Length)) is { } unknown)
        {
            throw new InvalidDataException(
                $"The shards have the label '{unknown}', but '{list}', beside them, lists the classes {LabeledImages.List(names)}. "
                + "Correct that file, or delete it: then the labels name the classes.");
        }

        // By numbers, all of them; by names, those that are there.
        return labels.All(names.Contains) ? [.. names.Where(labels.Contains)] : names;
    }

    private static bool IsOnTheWeb(string name) =>
        name.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || name.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static bool IsNumber(string label) => int.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static int Number(string label) => int.Parse(label, NumberStyles.None, CultureInfo.InvariantCulture);
}
