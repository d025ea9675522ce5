using System.Collections.Immutable;
using System.Globalization;

namespace Benchmarks.Scaling;

/// <summary>The tables of docs/scaling.md, as Markdown.</summary>
internal static class ScalingTables
{
    private const int MostNodes = 1024;

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    // Each with those before it.
    private static readonly ImmutableArray<(string Name, Func<ImageNetTraining, ImageNetTraining> Change)> Changes =
    [
        ("as it is", training => training),
        ("statistics per rank", training => training with { JoinsStatistics = false }),
        ("and bfloat16 on the wire", training => training with { BytesPerGradient = 2 }),
        ("and a batch of 32,768", training => training with { MostImages = ImageNetTraining.LargestBatchOfLars }),
    ];

    public static ImmutableArray<(string Name, string Markdown)> All =>
    [
        ("wire", Wires()),
        ("measured", Steps()),
        .. ScalingFigures.Networks.Select(network => (network, Times(network))),
        ("limits", Limits()),
    ];

    /// <summary>Gets the training with all changes that the tables name, but for a larger batch.</summary>
    public static ImageNetTraining WithChanges(ImageNetTraining training) =>
        Changes[..^1].Aggregate(training, (changed, change) => change.Change(changed));

    private static string Wires() => Table(
        ["ranks", "link", "gathering of 8 bytes", "sum, measured", "sum, model", "model ÷ measured"],
        ScalingFigures.Wires.Select(wire => new[]
        {
            Whole(wire.Ranks),
            $"{wire.Gigabits} Gbit/s",
            $"{Short(wire.Gathering)} µs",
            $"{Short(wire.Sum)} ms",
            $"{Short(wire.PredictedSum)} ms",
            Ratio(wire.PredictedSum, wire.Sum),
        }));

    private static string Steps() => Table(
        ["network", "images of a step", "ranks", "link", "alone", "together", "model", "model ÷ measured"],
        ScalingFigures.Steps.Select(step => new[]
        {
            $"{step.Network}, {step.ImageSize}×{step.ImageSize}",
            Whole(step.Batch),
            Whole(step.Wire.Ranks),
            $"{step.Wire.Gigabits} Gbit/s",
            $"{Short(step.Alone)} ms",
            $"{Short(step.Together)} ms",
            $"{Short(step.Predicted)} ms",
            Ratio(step.Predicted, step.Together),
        }));

    private static string Times(string network) => Table(
        ["nodes", "images of a node and step", "a step's computing", .. ScalingFigures.Links.Select(link => $"{link} Gbit/s")],
        ScalingFigures.Nodes.Select(nodes =>
        {
            ImageNetTraining[] runs = [.. ScalingFigures.Links.Select(link => ScalingFigures.Training(network, link, nodes))];
            return new[] { Whole(nodes), Whole(runs[0].Batch / nodes), $"{Short(1000 * runs[0].Step.Compute)} ms" }
                .Concat(runs.Select(run => $"{Duration(run.Hours)} ({run.Step.Efficiency.ToString("0.00", Culture)})")).ToArray();
        }));

    private static string Limits() => Table(
        ["network", "link", .. Changes.Select(change => change.Name)],
        from network in ScalingFigures.Networks
        from link in ScalingFigures.Links
        select new[] { network, $"{link} Gbit/s" }.Concat(NodesByChange(ScalingFigures.Training(network, link, 1))).ToArray());

    private static IEnumerable<string> NodesByChange(ImageNetTraining training)
    {
        foreach (var (_, change) in Changes)
        {
            training = change(training);
            var nodes = training.NodesBelowLimit(MostNodes);
            yield return nodes == MostNodes ? "all 1,024" : Whole(nodes);
        }
    }

    private static string Duration(double hours) => hours switch
    {
        >= 48 => $"{(hours / 24).ToString("0.0", Culture)} days",
        >= 1 => $"{hours.ToString("0.0", Culture)} h",
        _ => $"{(60 * hours).ToString("0", Culture)} min",
    };

    private static string Ratio(double model, double measured) => (model / measured).ToString("0.00", Culture);

    private static string Short(double value) => value.ToString(value >= 100 ? "#,0" : "0.0", Culture);

    private static string Whole(int value) => value.ToString("#,0", Culture);

    private static string Table(string[] headers, IEnumerable<string[]> rows) => string.Join('\n',
        [Line(headers), Line(headers.Select((_, index) => index == 0 ? "---" : "---:")), .. rows.Select(Line)]);

    private static string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";
}
