using System.Collections.Immutable;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>featurize</c>: features of photographs, beside ML.NET's own, of the same weights.</summary>
internal sealed class FeaturizeRun : IRun
{
    public string Name => "featurize";

    public string Description => "ResNetFeaturizeImage beside ML.NET's DnnFeaturizeImage, on the same weights.";

    public Section Measure(Settings settings)
    {
        var photos = settings.Images.Photos;
        var test = ((string[])["test", "val"]).Select(name => Path.Combine(photos.Root, name)).FirstOrDefault(Directory.Exists);
        var work = new FeaturizedPhotographs(photos.Folder, test ?? photos.Folder, IsOurs: true);
        var (ours, theirs) = (new List<FeaturizedResult?>(), new List<FeaturizedResult?>());
        Alternation.Measure(settings.Repeats, () => Add(ours, work), () => Add(theirs, work with { IsOurs = false }));
        return new Section("Features of photographs",
        [
            new Table(
                "ResNet-18 of Microsoft.ML.DnnImageFeaturizer.ResNet18, for LbfgsMaximumEntropy",
                ["features of", "accuracy", "log-loss", "Fit", "per photograph"],
                [
                    Row("our ResNetFeaturizeImage", ours),
                    Row("ML.NET's DnnFeaturizeImage", theirs),
                    [
                        "theirs ÷ ours", "", "", Output.Ratio(Ratio(result => result.Fit), mustReach: 1),
                        Output.Ratio(Ratio(result => result.PerImage), mustReach: 1),
                    ],
                ]),
            new Paragraph(
                $"Each run is a fresh process; fitted to {photos.Paths.Length:n0} photographs, judged by those of "
                + $"`{(test is null ? "the same folder" : Path.GetFileName(test))}`. Fit is the time from the pipeline's first line to the "
                + "fitted model: ours makes its session in Fit, ML.NET's when the pipeline is written. The time of a photograph, decoding "
                + "included, is of one pass over all, once another is done."),
        ]);

        double? Ratio(Func<FeaturizedResult, double> of) => Statistics.MedianRatio(
            [.. theirs.Select(result => result is null ? (double?)null : of(result))],
            [.. ours.Select(result => result is null ? (double?)null : of(result))]);
    }

    private static double? Add(List<FeaturizedResult?> results, FeaturizedPhotographs work)
    {
        results.Add(FeaturizedPhotographs.Peer.Run(work));
        return results[^1]?.Fit;
    }

    private static ImmutableArray<string> Row(string name, List<FeaturizedResult?> results)
    {
        return
        [
            name,
            Output.Percent(Median(result => result.Accuracy)),
            Median(result => result.LogLoss).ToString("0.000", Output.Culture),
            $"{Median(result => result.Fit).ToString("0.00", Output.Culture)} s",
            $"{(1000 * Median(result => result.PerImage)).ToString("0.0", Output.Culture)} ms",
        ];

        double Median(Func<FeaturizedResult, double> of) => Statistics.Median(results.OfType<FeaturizedResult>().Select(of)) ?? double.NaN;
    }
}
