using System.Collections.Immutable;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>predict</c>: a predictor's first answer, and its rate with photographs.</summary>
internal sealed class PredictRun : IRun
{
    private const double MostSeconds = 0.55;
    private const double MostBytes = 260e6;
    private const double WithinFivePercent = 0.95;
    private const int ImageSize = 224;
    private const string HugePages = "and with `GLIBC_TUNABLES=glibc.malloc.hugetlb=1`";

    public string Name => "predict";

    public string Description => "ResNetPredictor: the first prediction in a fresh process, and many photographs.";

    public Section Measure(Settings settings)
    {
        var folder = Directory.CreateTempSubdirectory("benchmark-").FullName;
        try
        {
            var (model, uncompressed) = (Path.Combine(folder, "model.zip"), Path.Combine(folder, "uncompressed.zip"));
            var work = new ScoringWork("resnet18", ImageSize, 1000, settings.Quick ? 0.5 : 3, settings.Quick ? 1.5 : 10);
            var ml = new MLContext(seed: 1);
            using (var transformer = OurScoring.Model(ml, work with { FromImages = true }))
            {
                ml.Model.Save(transformer, inputSchema: null, model);
                ml.Model.SaveUncompressed(transformer, inputSchema: null, uncompressed);
            }

            var photographs = settings.Images.Photos.Paths;
            return new Section("The predictor",
            [
                Start(settings, model, uncompressed, photographs[0]),
                Many(settings, model, photographs),
                new Paragraph(
                    "“In turn” is the time that ONNX Runtime takes for batches of the same photographs, decoded before, and the time that "
                    + "all cores take to decode and resize, one after the other: a predictor that is as fast wastes none."),
            ]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Table Start(Settings settings, string model, string uncompressed, string image)
    {
        (string Name, PredictorStart Work)[] starts =
        [
            ("empty", new PredictorStart(null, image)),
            ("`ResNetPredictor.Load`, `Predict` of a photograph", new PredictorStart(model, image)),
            ("the same, of `Model.SaveUncompressed`", new PredictorStart(uncompressed, image)),
            (HugePages, new PredictorStart(uncompressed, image)),
        ];
        var results = Array.ConvertAll(starts, _ => new List<ColdStartResult?>());
        for (var repeat = 0; repeat <= settings.Repeats + 2; repeat++) // the first reads the files into the system's cache
        {
            foreach (var (index, start) in starts.Index())
            {
                results[index].Add(start.Name == HugePages
                    ? PredictorStart.Peer.Run(start.Work, ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"))
                    : PredictorStart.Peer.Run(start.Work));
            }
        }

        var empty = Seconds(0);
        return new Table(
            "ResNet-18 from model.zip in a fresh process, to the first prediction",
            ["process", "time", "more than the empty one", "resident", "peak"],
        [
            .. starts.Index().Select(each => (ImmutableArray<string>)
            [
                each.Item.Name,
                Output.Seconds(Seconds(each.Index)),
                each.Index == 0 ? "" : Output.AtMost(Seconds(each.Index) - empty, MostSeconds, "0.00", "s"),
                each.Index == 0
                    ? Output.Megabytes(Median(results[0], result => result.Resident))
                    : Output.AtMost(Median(results[each.Index], result => result.Resident) / 1e6, MostBytes / 1e6, "0", "MB"),
                Output.Megabytes(Median(results[each.Index], result => result.Peak)),
            ]),
        ]);

        double Seconds(int start) => Median(results[start], result => result.Seconds);
    }

    private static double Median(List<ColdStartResult?> results, Func<ColdStartResult, double> value) =>
        Statistics.Median(results.Skip(1).OfType<ColdStartResult>().Select(value)) ?? double.NaN;

    private static Table Many(Settings settings, string model, string[] photographs)
    {
        var many = new PredictedPhotographs(model, photographs, settings.Quick ? 244 : 976);
        var decoding = new List<double?>();
        var scoring = new List<double?>();
        var (ours, inTurn) = Alternation.Measure(settings.Repeats, () => PredictedPhotographs.Peer.Run(many)?.ImagesPerSecond, () =>
        {
            decoding.Add(PredictedPhotographs.Decoding.Run(many)?.ImagesPerSecond);
            scoring.Add(PredictedPhotographs.Scoring.Run(many)?.ImagesPerSecond);
            return 1 / (1 / decoding[^1] + 1 / scoring[^1]);
        });
        return new Table("Photographs per second with ResNet-18, files to probabilities",
            [
                "`PredictMany`",
                $"ONNX Runtime alone, batches of {PredictedPhotographs.Batch}",
                "decoding and resizing, all cores",
                "the two in turn",
                "ours ÷ in turn",
            ],
            [
                [
                    Rate(ours),
                    Rate(scoring),
                    Rate(decoding),
                    Rate(inTurn),
                    Output.Ratio(Statistics.MedianRatio(ours, inTurn), WithinFivePercent),
                ],
            ]);

        static string Rate(List<double?> rates) => Output.Rate(Statistics.Median(rates.OfType<double>()));
    }
}
