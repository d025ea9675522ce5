using System.Collections.Immutable;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>train</c>: images per second of the whole training loop, against each competitor's.</summary>
internal sealed class TrainRun : IRun
{
    public string Name => "train";

    public string Description => "Training: the whole loop against naive TorchSharp, PyTorch and the floor under its kernels.";

    public Section Measure(Settings settings)
    {
        ImmutableArray<Contest> contests =
        [
            .. Works(settings).Where(work => settings.Includes(work.Architecture)).Select(work => new Contest(work)),
        ];
        foreach (var contest in contests)
        {
            contest.Measure(settings.Repeats);
        }

        return new Section("Training",
        [
            new Table("Images per second, and ratios",
                [
                    "network", "ours", "naive TorchSharp", "PyTorch", "floor", "peak", "ours ÷ naive", "ours ÷ PyTorch", "ours ÷ floor",
                    "augmentation, share of the time",
                ],
                [.. contests.Select(contest => contest.Row())]),
            new Paragraph(
                "Ours reads files, augments, and trains with the paper's recipe. "
                + "The others have decoded images in memory and do not augment, which is in their favour. "
                + "Naive TorchSharp is float32 and NCHW, with its DataLoader, and the loss read at every step. PyTorch is the best of its "
                + $"layouts: {contests.Select(contest => contest.PyTorchNote).FirstOrDefault(note => note is not null) ?? "not here"}. "
                + "The floor is oneDNN's own time for the convolutions and matrix products of our step, by its log of a run apart, "
                + $"in {contests.Select(contest => contest.FloorNote).FirstOrDefault(note => note is not null)}, "
                + "and the bytes that normalizations, additions and ReLUs must move at least, at the rate of a copy of 64 MB. "
                + "The peak is what the CPU's fused multiply-adds allow in float32, with nothing to load or store; "
                + "a goal that lies above it says how far it would allow. "
                + "Augmentation runs on a thread of its own, beside training; its share is of an epoch's time, from the second epoch on."),
            new Table("Where a step's time goes, in milliseconds (the floor's parts; what is left is the step less their sum: "
                + "below zero where caches spare bytes)",
                ["network", .. StepFloor.Names, "what is left", "a step"],
                [.. contests.Select(contest => contest.Parts())]),
        ]);
    }

    private static IEnumerable<TrainingWork> Works(Settings settings)
    {
        var (small, photos) = (settings.Images.Small, settings.Images.Photos);
        foreach (var architecture in (string[])["resnet20", "resnet56", "resnet110"])
        {
            yield return new TrainingWork(architecture, 32, 128, 10, small.Folder, Math.Min(small.Paths.Length, 12_800), settings.Threads,
                settings.Quick ? 4 : 10, settings.Quick ? 4 : 45);
        }

        foreach (var architecture in (string[])["resnet18", "resnet50"])
        {
            yield return new TrainingWork(architecture, 224, 16, 2, photos.Folder, photos.Paths.Length / 16 * 16, settings.Threads,
                settings.Quick ? 4 : 10, settings.Quick ? 4 : 45);
        }
    }

    /// <summary>One network, and what its competitors reached.</summary>
    private sealed class Contest(TrainingWork work)
    {
        private readonly List<TrainingRate?> _ours = [], _naive = [], _pyTorch = [], _floor = [], _peak = [];

        public string? PyTorchNote => _pyTorch.FirstOrDefault()?.Note;

        public string? FloorNote => _floor.FirstOrDefault()?.Note.ToLowerInvariant();

        // Where the library trains in another type, float32 is no bound.
        private double? Peak => FloorNote == "float32" ? Median(_peak) : null;

        // The goals for a CPU that multiplies bfloat16 in vectors: of small images, and of photographs.
        private (double Naive, double PyTorch) Goals => work.ImageSize == 32 ? (3.8, 1.3) : (4, 1.8);

        public void Measure(int repeats)
        {
            (List<TrainingRate?> Rates, Func<TrainingRate?> Run)[] peers =
                [
                    (_ours, () => OurTraining.Peer.Run(work)), (_naive, () => NaiveTraining.Peer.Run(work)),
                    (_pyTorch, () => PyTorch.Train(work)), (_floor, () => StepFloor.Peer.Run(work)),
                    (_peak, () => ArithmeticPeak.Peer.Run(work)),
                ];
            for (var repeat = 0; repeat < repeats; repeat++)
            {
                foreach (var (rates, run) in repeat % 2 == 0 ? peers : peers.Reverse())
                {
                    rates.Add(run());
                }

                Output.Say($"{work.Architecture}, repeat {repeat + 1}: ours {Last(_ours)}, naive {Last(_naive)}, PyTorch {Last(_pyTorch)}, "
                    + $"floor {Last(_floor)}, peak {Last(_peak)} images/s");
            }
        }

        public ImmutableArray<string> Row() =>
        [
            $"{work.Architecture}, {work.ImageSize}×{work.ImageSize}, batch {work.BatchSize}",
            Output.Rate(Median(_ours)), Output.Rate(Median(_naive)),
            Output.Rate(Median(_pyTorch)), Output.Rate(Median(_floor)), Output.Rate(Peak),
            Output.Ratio(Ratio(_naive), Goals.Naive, Peak / Median(_naive)),
            Output.Ratio(Ratio(_pyTorch), Goals.PyTorch, Peak / Median(_pyTorch)), Output.Ratio(Ratio(_floor), null),
            Statistics.Median(_ours.Select(rate => rate?.AugmentationShare).OfType<double>()) is { } share ? Output.Percent(share) : "–",
        ];

        public ImmutableArray<string> Parts()
        {
            var step = 1000 * work.BatchSize / Median(_ours);
            double?[] parts = [.. StepFloor.Names.Select(
                name => Statistics.Median(_floor.OfType<TrainingRate>().Select(rate => rate.Parts.GetValueOrDefault(name))))];
            return [work.Architecture, .. parts.Append(step - parts.Sum())
                .Append(step)
                .Select(time => time is { } value ? value.ToString("0.0", Output.Culture) : "–")];
        }

        private double? Ratio(List<TrainingRate?> theirs) =>
            Statistics.MedianRatio(_ours.Select(rate => rate?.ImagesPerSecond), theirs.Select(rate => rate?.ImagesPerSecond));

        private static double? Median(List<TrainingRate?> rates) =>
            Statistics.Median(rates.OfType<TrainingRate>().Select(rate => rate.ImagesPerSecond));

        private static string Last(List<TrainingRate?> rates) => Output.Rate(rates[^1]?.ImagesPerSecond);
    }
}
