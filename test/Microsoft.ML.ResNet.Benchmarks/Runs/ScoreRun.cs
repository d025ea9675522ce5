using Microsoft.ML.ResNet.Trainers;
using System.Collections.Immutable;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>score</c>: images per second of prediction, against ONNX Runtime called directly.</summary>
internal sealed class ScoreRun : IRun
{
    private const double WithinFivePercent = 0.95;

    public string Name => "score";

    public string Description => "Scoring: through ML.NET against ONNX Runtime called directly, loading, and many callers.";

    public Section Measure(Settings settings) => new("Scoring",
    [
        new Table("Images per second, decoding excluded: ML.NET against ONNX Runtime called directly",
            ["network and way", "ours", "ONNX Runtime", "ours ÷ ONNX Runtime"],
            [.. Contests(settings).Where(contest => settings.Includes(contest.Name)).Select(contest => contest.Row(settings.Repeats))]),
        new Paragraph(
            "Pixels are planar vectors of bytes in memory, the same for both; "
            + "“from images” are rows of decoded `MLImage`s, each made for its row, whose pixels ML.NET resizes and extracts. "
            + "ONNX Runtime has the library's own exported graph, in its default settings, in one session. "
            + "Single rows are warmed up until .NET has compiled what they call. "
            + "Eight callers are threads with a prediction engine each, against one; a service has as many callers as cores and more, "
            + "so that it gives ONNX Runtime one thread for each call, as [deployment](deployment.md#threads) advises. "
            + "Int8 must reach 2.5 at batch 1 and 3 at batch 8 where the CPU has "
            + $"VNNI{(Processor.HasByteProducts ? "" : ", which this one has not")}."),
        Cold(settings),
    ]);

    private static IEnumerable<Contest> Contests(Settings settings)
    {
        foreach (var architecture in (string[])["resnet18", "resnet50"])
        {
            var work = Work(settings, architecture, 224, 1000);
            yield return new Contest($"{architecture}, Transform", OurScoring.Peer, work, OnnxScoring.Peer, work, WithinFivePercent);
            yield return new Contest($"{architecture}, PredictionEngine", OurScoring.Peer, work with { Way = Way.PredictionEngine },
                OnnxScoring.Peer, work, WithinFivePercent);
            yield return new Contest($"{architecture}, Transform, from images", OurScoring.Peer, work with { FromImages = true },
                OnnxScoring.Peer, work, MustReach: null);
        }

        var small = Work(settings, "resnet20", 32, 10);
        yield return new Contest("resnet20, Transform of many rows; ONNX Runtime at batch 128", OurScoring.Peer, small, OnnxScoring.Peer,
            small with { Batch = 128 }, 0.85);
        yield return new Contest("resnet20, PredictionEngine", OurScoring.Peer, small with { Way = Way.PredictionEngine }, OnnxScoring.Peer,
            small, MustReach: null);

        var large = Work(settings, "resnet50", 224, 1000);
        foreach (var (batch, mustReach) in ((int, double)[])[(1, 2.5), (8, 3)])
        {
            var single = large with { Batch = batch };
            yield return new Contest($"resnet50 at batch {batch}, int8 against float32, both in ONNX Runtime", OnnxScoring.Peer,
                single with { Quantized = true }, OnnxScoring.Peer, single, Processor.HasByteProducts ? mustReach : null);
        }

        var callers = Work(settings, "resnet18", 224, 1000) with { Way = Way.PredictionEngine };
        yield return new Contest("resnet18, eight callers, ONNX Runtime with one thread for each call, against one caller with all",
            OurScoring.Peer, callers with { Callers = 8, OneThreadPerCall = true }, OurScoring.Peer, callers, 1);
        yield return new Contest("resnet18, eight callers against one, defaults", OurScoring.Peer, callers with { Callers = 8 },
            OurScoring.Peer, callers, MustReach: null);
    }

    private static ScoringWork Work(Settings settings, string architecture, int size, int classes) =>
        new(architecture, size, classes, settings.Quick ? 0.5 : 3, settings.Quick ? 1.5 : 10);

    private static Table Cold(Settings settings)
    {
        const double MostSeconds = 0.6;
        const double MostBytes = 250e6;
        var folder = Directory.CreateTempSubdirectory("benchmark-").FullName;
        try
        {
            var (model, uncompressed) = (Path.Combine(folder, "model.zip"), Path.Combine(folder, "uncompressed.zip"));
            var (ml, work) = (new MLContext(seed: 1), Work(settings, "resnet18", 224, 1000));
            using (var transformer = OurScoring.Model(ml, work))
            {
                var schema = new ScoringRows(224).View(ml, fromImages: false, _ => false).Schema;
                ml.Model.Save(transformer, schema, model);
                ml.Model.SaveUncompressed(transformer, schema, uncompressed);
            }

            Start[] starts =
            [
                new("empty: `new MLContext()`", () => ColdStart.Peer.Run(new ColdStart(null, 224))),
                new("`Model.Load`, `Predict`", () => ColdStart.Peer.Run(new ColdStart(model, 224))),
                new("the same, of `Model.SaveUncompressed`", () => ColdStart.Peer.Run(new ColdStart(uncompressed, 224))),
                new(
                    "and with `MALLOC_TRIM_THRESHOLD_` and a collection after loading",
                    () => ColdStart.Peer.Run(new ColdStart(uncompressed, 224) { Collect = true }, ("MALLOC_TRIM_THRESHOLD_", "131072"))),
            ];

            // The first of each reads the files into the system's cache.
            for (var repeat = 0; repeat <= settings.Repeats + 2; repeat++)
            {
                Array.ForEach(starts, start => start.Results.Add(start.Run()));
            }

            var empty = starts[0].Median(result => result.Seconds);
            return new Table("ResNet-18 from model.zip in a fresh process, to the first prediction",
                ["process", "time", "more than the empty one", "resident", "peak"],
                    [.. starts.Select(start => start.Row(
                        start == starts[0] ? "" : Output.AtMost(start.Median(result => result.Seconds) - empty, MostSeconds, "0.00", "s"),
                        start == starts[0] ? double.NaN : MostBytes))]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed record Start(string Name, Func<ColdStartResult?> Run)
    {
        public List<ColdStartResult?> Results { get; } = [];

        public double Median(Func<ColdStartResult, double> value) =>
            Statistics.Median(Results.Skip(1).OfType<ColdStartResult>().Select(value)) ?? double.NaN;

        public ImmutableArray<string> Row(string more, double mostBytes)
        {
            var resident = Median(result => result.Resident);
            return [Name, Output.Seconds(Median(result => result.Seconds)), more,
                double.IsNaN(mostBytes) ? Output.Megabytes(resident) : Output.AtMost(resident / 1e6, mostBytes / 1e6, "0", "MB"),
                Output.Megabytes(Median(result => result.Peak))];
        }
    }

    private sealed record Contest(string Name, Peer<ScoringWork, ScoringRate> Ours, ScoringWork OurWork,
        Peer<ScoringWork, ScoringRate> Theirs, ScoringWork TheirWork, double? MustReach)
    {
        public ImmutableArray<string> Row(int repeats)
        {
            var (ours, theirs) = Alternation.Measure(
                repeats, () => Ours.Run(OurWork)?.ImagesPerSecond, () => Theirs.Run(TheirWork)?.ImagesPerSecond);
            Output.Say($"{Name}: {Output.Rate(Statistics.Median(ours.OfType<double>()))} "
                + $"against {Output.Rate(Statistics.Median(theirs.OfType<double>()))} images/s");
            return [Name, Output.Rate(Statistics.Median(ours.OfType<double>())), Output.Rate(Statistics.Median(theirs.OfType<double>())),
                Output.Ratio(Statistics.MedianRatio(ours, theirs), MustReach)];
        }
    }
}
