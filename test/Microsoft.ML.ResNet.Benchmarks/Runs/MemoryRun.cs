using System.Collections.Immutable;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>memory</c>: what training and scoring hold, and whether it grows.</summary>
internal sealed class MemoryRun : IRun
{
    private const double Gigabyte = 1e9;
    private const double MostKilobytesPerStep = 10;

    // Two readings of the same process differ by this much without anything having grown.
    private const double Flat = 1.02;

    public string Name => "memory";

    public string Description => "Memory: of training on all small images, and of scoring very many rows.";

    public Section Measure(Settings settings) => new("Memory", [.. Training(settings), Scoring(settings)]);

    private static IEnumerable<IPart> Training(Settings settings)
    {
        var images = settings.Images.Small;
        var work = new TrainingWork("resnet20", 32, 128, 10, images.Folder,
            settings.Quick ? Math.Min(images.Paths.Length, 1_280) : images.Paths.Length, settings.Threads, 0, 0);
        if (OurEpochs.Peer.Run(new OurEpochs(work, settings.Quick ? 3 : 4)) is not { } result)
        {
            yield break;
        }

        var growth = (double)result.Resident[^1] / result.Resident[1];
        yield return new Table($"Training ResNet-20 on {result.Images.ToString("#,0", Output.Culture)} images, batch 128",
            ["what", "measured"],
            [
                ["peak resident", Output.AtMost(result.Peak / Gigabyte, 1.5, "0.00", "GB")],
                .. result.Resident.Index()
                    .Select(each => (ImmutableArray<string>)[$"resident after epoch {each.Index + 1}", Output.Megabytes(each.Item)]),
                ["last epoch ÷ second epoch", Output.AtMost(growth, Flat, "0.000", "")],
                [
                    "managed allocation per step, from epoch 2 on",
                    Output.AtMost(result.AllocatedPerStep / 1024 ?? double.NaN, MostKilobytesPerStep, "0.0", "kB"),
                ],
            ]);
    }

    private static Table Scoring(Settings settings)
    {
        var rows = settings.Quick ? 2_000L : 1_000_000;
        var result = ScoringMemory.Peer.Run(new ScoringMemory(new ScoringWork("resnet20", 32, 10, 0, 0), rows));
        var resident = result?.Resident ?? [];
        return new Table($"Scoring {rows.ToString("#,0", Output.Culture)} rows with ResNet-20, through Transform",
            ["rows", "resident"],
            [
                .. resident.Index().Select(each =>
                    (ImmutableArray<string>)[((each.Index + 1) * rows / ScoringMemory.Looks).ToString("#,0", Output.Culture),
                        Output.Megabytes(each.Item)]),
                .. resident.Length > 1
                    ? (ImmutableArray<ImmutableArray<string>>)
                        [["last ÷ second", Output.AtMost((double)resident[^1] / resident[1], Flat, "0.000", "")]]
                    : [],
            ]);
    }
}
