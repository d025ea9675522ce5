using System.Collections.Immutable;
using Benchmarks.Data;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>data</c>: listing, reading and augmenting images, against SkiaSharp's codec.</summary>
internal sealed class DataRun : IRun
{
    private const int Million = 1_000_000;
    private const int MostImages = 60_000;
    private const int ManySize = 8;
    private const long ManyCacheBytes = 64 << 20;

    public string Name => "data";

    public string Description => "Reading images: listing, decoding against the bare codec, and the share of an epoch.";

    public Section Measure(Settings settings) => new("Reading images",
    [
        .. Listing(settings),
        new Table("Decoding, in images per second: all of a training run's reading against SkiaSharp's codec alone, on all cores",
            ["images", "ours", "codec, whole images", "codec, scaled", "ours ÷ codec, whole", "ours ÷ codec, scaled"],
            [
                Decoding(settings, "small images, 32×32", settings.Images.Small, 32, mustReach: null),
                Decoding(settings, "photographs, for 224×224", settings.Images.Photos, 224, mustReach: 0.85),
            ]),
        Share(settings),
    ]);

    private static IEnumerable<Table> Listing(Settings settings)
    {
        var rows = ImmutableArray.Create(List(settings.Images.Small.Root, settings.Repeats, mostSeconds: null));
        Table? training = null;
        if (settings.Million)
        {
            Output.Say("Making a million images…");
            using var many = new ManyImages(Million);
            rows = rows.Add(List(many.Folder, settings.Repeats, mostSeconds: 10));
            training = TrainingOnMany(many, settings);
        }

        yield return new Table("Listing a folder", ["images", "time", "peak memory"], rows);
        if (training is not null)
        {
            yield return training;
        }
    }

    // An epoch of everything but the pixels: they are tiny, so that what is kept for each image shows.
    private static Table TrainingOnMany(ManyImages many, Settings settings) =>
        new($"Training ResNet-20 at {ManySize}×{ManySize}, batch 128, on {Million.ToString("#,0", Output.Culture)} images",
            ["images kept in memory, at most", "reading, before the epoch", "the epoch", "peak memory"],
            [
                .. new long?[] { null, ManyCacheBytes }.SelectMany(cache =>
                    OurEpochs.Peer.Run(new OurEpochs(new TrainingWork("resnet20", ManySize, 128, 10, many.Folder, Million, settings.Threads,
                        0, 0), Epochs: 1, cache)) is { } result
                        ? (ImmutableArray<ImmutableArray<string>>)[[cache is { } bytes ? Output.Megabytes(bytes) : "the default",
                            Output.Seconds(result.ReadingSeconds), Output.Seconds(result.Epochs[0].Seconds), Output.Megabytes(result.Peak)]]
                        : []),
            ]);

    private static ImmutableArray<string> List(string folder, int repeats, double? mostSeconds)
    {
        ListingResult[] results =
        [
            .. Enumerable.Range(0, repeats + 1)
                .Select(_ => FolderListing.Peer.Run(new FolderListing(folder)))
                .OfType<ListingResult>()
                .Skip(1),
        ];
        var seconds = Statistics.Median(results.Select(result => result.Seconds)) ?? double.NaN;
        return
        [
            $"{results.FirstOrDefault()?.Images.ToString("#,0", Output.Culture)}",
            mostSeconds is { } most ? Output.AtMost(seconds, most, "0.0", "s") : Output.Seconds(seconds),
            Output.Megabytes(Statistics.Median(results.Select(result => (double)result.Peak)) ?? double.NaN),
        ];
    }

    private static ImmutableArray<string> Decoding(Settings settings, string name, ImageSet images, int size, double? mustReach)
    {
        // All images, however quick: with few, a run's start is most of its reading.
        var reading = new OurEpochs(Training(settings, size == 32 ? "resnet20" : "resnet18", size, images, MostImages), Epochs: 0);
        var whole = new Codec(reading.Training);
        var (ours, codec) = Alternation.Measure(settings.Repeats,
            () => OurEpochs.Peer.Run(reading) is { } result ? result.Images / result.ReadingSeconds : null,
            () => Rate(Codec.Peer.Run(whole)));
        double?[] scaled = [.. Enumerable.Range(0, settings.Repeats).Select(_ => Rate(Codec.Peer.Run(whole with { ScaledTo = size })))];
        double? Median(IEnumerable<double?> rates) => Statistics.Median(rates.OfType<double>());
        return [name, Output.Rate(Median(ours)), Output.Rate(Median(codec)), Output.Rate(Median(scaled)),
            Output.Ratio(Statistics.MedianRatio(ours, codec), mustReach), Output.Ratio(Statistics.MedianRatio(ours, scaled))];
    }

    private static double? Rate(CodecResult? result) => result is null ? null : result.Images / result.Seconds;

    private static Table Share(Settings settings)
    {
        const double MostShare = 0.1;
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<string>>();
        (string Name, TrainingWork Training, double? Most)[] works =
        [
            (
                "resnet20, small images, batch 128",
                Training(settings, "resnet20", 32, settings.Images.Small, settings.Quick ? 1_280 : 12_800),
                null),
            (
                "resnet18, photographs, batch 16",
                Training(settings, "resnet18", 224, settings.Images.Photos, settings.Quick ? 64 : MostImages),
                MostShare),
        ];
        foreach (var (name, training, most) in works)
        {
            if (OurEpochs.Peer.Run(new OurEpochs(training, Epochs: 3)) is not { } result)
            {
                continue;
            }

            var share = result.Epochs.Skip(1).Sum(epoch => epoch.Augmentation) / result.Epochs.Skip(1).Sum(epoch => epoch.Seconds);
            rows.Add(
            [
                name, Output.Seconds(result.ReadingSeconds), Output.Seconds(result.Epochs[0].Seconds),
                Output.Seconds(result.Epochs.Skip(1).Average(epoch => epoch.Seconds)),
                most is { } bound ? Output.AtMost(100 * share, 100 * bound, "0.0", "%") : Output.Percent(share),
            ]);
        }

        return new Table(
            "Reading and augmentation, as a share of an epoch's time from the second epoch on (on a thread of its own, beside training)",
            ["network", "reading, before the first epoch", "first epoch", "later epochs", "reading and augmentation"], rows.ToImmutable());
    }

    private static TrainingWork Training(Settings settings, string architecture, int size, ImageSet images, int mostImages) =>
        new(architecture, size, size == 32 ? 128 : 16, size == 32 ? 10 : 2, images.Folder,
            Math.Min(images.Paths.Length, mostImages), settings.Threads, 0, 0);
}
