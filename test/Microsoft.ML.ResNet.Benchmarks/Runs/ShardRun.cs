using System.Collections.Immutable;
using Benchmarks.Data;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>shards</c>: images read from shards, from a folder, and from memory, with --million a million of them; and training on
/// shards whose images are kept, and on those that are read anew in each epoch.</summary>
internal sealed class ShardRun : IRun
{
    private const int Million = 1_000_000;
    private const int PerShard = 1_000;
    private const int MostSmall = 20_000;
    private const double MustReach = 0.9;

    private static readonly ImmutableArray<string> Heads =
    [
        "images", "in memory", "shards", "shards, mixed", "folder", "shards ÷ memory", "shards ÷ folder", "peak memory, shards", "mixed",
    ];

    public string Name => "shards";

    public string Description => "Reading images from shards, against a folder of files and files in memory; training on streamed shards.";

    public Section Measure(Settings settings) => new("Shards",
    [
        new Table("Images read and decoded per second, on one core, one after another", Heads,
        [
            OfFolder(settings, "small images", settings.Images.Small, MostSmall),
            OfFolder(settings, "photographs", settings.Images.Photos, int.MaxValue),
            .. settings.Million ? [OfAMillion(settings)] : ImmutableArray<ImmutableArray<string>>.Empty,
        ]),
        new Paragraph(
            "“In memory” is decoding alone: the files' bytes are read before the clock starts. The others include listing the folder or "
            + "opening the shards. A folder's files are read through `LoadImages`. A million images are of 1×1 pixel, in 1,000 shards: "
            + "what is not decoding shows there."),
        new Table("Training on shards: images that are kept, and images that are read anew in each epoch (the second epoch)",
            [
                "images", "kept, images/s", "streamed, images/s", "streamed ÷ kept", "before the first epoch, kept", "streamed",
                "peak memory, kept", "streamed",
            ],
            [
                OfTraining(
                    settings, "resnet20, small images, batch 128", "resnet20", settings.Images.Small, settings.Quick ? 2_560 : 12_800),
                OfTraining(settings, "resnet18, photographs, batch 16", "resnet18", settings.Images.Photos, settings.Quick ? 64 : 1_024),
            ]),
    ]);

    private static ImmutableArray<string> OfTraining(Settings settings, string name, string architecture, ImageSet images, int most)
    {
        var (size, batch, classes) = architecture == "resnet20" ? (32, 128, 10) : (224, 16, 2);
        var training = new TrainingWork(architecture, size, batch, classes, images.Folder, most, settings.Threads, 0, 0);
        using var shards = ShardsOf(training.Select().Select(image => image.ImagePath));
        var works = new[] { false, true }.Select(streams => new OurEpochs(training, Epochs: 2)
        {
            Shards = shards.Pattern,
            StreamsShards = streams,
        }).ToArray();
        var results = Array.ConvertAll(works, _ => new List<EpochsResult?>());
        var (kept, streamed) = Alternation.Measure(settings.Repeats, () => Run(0), () => Run(1));
        return
        [
            $"{name}: {results[0].FirstOrDefault()?.Images.ToString("#,0", Output.Culture)}",
            Output.Rate(Statistics.Median(kept.OfType<double>())),
            Output.Rate(Statistics.Median(streamed.OfType<double>())),
            Output.Ratio(Statistics.MedianRatio(streamed, kept)),
            .. results.Select(each => Output.Seconds(Median(each, result => result.ReadingSeconds))),
            .. results.Select(each => Output.Megabytes(Median(each, result => result.Peak))),
        ];

        double? Run(int work)
        {
            var result = OurEpochs.Peer.Run(works[work]);
            results[work].Add(result);
            return result is null ? null : result.Images / result.Epochs[1].Seconds;
        }

        static double Median(List<EpochsResult?> results, Func<EpochsResult, double> of) =>
            Statistics.Median(results.OfType<EpochsResult>().Select(of)) ?? double.NaN;
    }

    private static ShardFiles ShardsOf(IEnumerable<string> files) => new(
        files.Select(path => (Path.GetExtension(path), File.ReadAllBytes(path), Path.GetFileName(Path.GetDirectoryName(path))!)), PerShard);

    private static ImmutableArray<string> OfFolder(Settings settings, string name, ImageSet images, int most)
    {
        var files = images.Paths.Take(most);
        using var shards = ShardsOf(files);
        return Row(
            settings,
            name,
            new ImageReading(ImageHome.Memory, images.Folder, most),
            shards,
            new ImageReading(ImageHome.Folder, images.Folder, most));
    }

    private static ImmutableArray<string> OfAMillion(Settings settings)
    {
        Output.Say("Making a million images…");
        using var few = new ManyImages(10); // for the file of one
        var file = File.ReadAllBytes(Directory.EnumerateFiles(few.Folder, "*.png", SearchOption.AllDirectories).First());
        using var shards = new ShardFiles(Enumerable.Range(0, Million).Select(number => (".png", file, $"class{number % 10}")), PerShard);
        using var folder = new ManyImages(Million / 10); // a million files take minutes to make and to delete
        return Row(
            settings,
            "a million, of 1×1 (folder: 100,000)",
            new ImageReading(ImageHome.Memory, folder.Folder, Million),
            shards,
            new ImageReading(ImageHome.Folder, folder.Folder, Million));
    }

    private static ImmutableArray<string> Row(
        Settings settings, string name, ImageReading memory, ShardFiles files, ImageReading folder)
    {
        ImageReading[] works =
        [
            memory, new(ImageHome.Shards, files.Pattern, int.MaxValue), new(ImageHome.MixedShards, files.Pattern, int.MaxValue), folder,
        ];
        var results = Array.ConvertAll(works, _ => new List<ImageReadingResult?>());
        foreach (var work in works)
        {
            ImageReading.Peer.Run(work with { Most = Math.Min(work.Most, 2_000) }); // files come into the system's cache
        }

        for (var repeat = 0; repeat < settings.Repeats; repeat++)
        {
            foreach (var (index, work) in works.Index())
            {
                results[index].Add(ImageReading.Peer.Run(work));
            }
        }

        return
        [
            $"{name}: {results[1].FirstOrDefault()?.Images.ToString("#,0", Output.Culture)}",
            .. results.Select(each => Output.Rate(Statistics.Median(Rates(each).OfType<double>()))),
            Output.Ratio(Statistics.MedianRatio(Rates(results[1]), Rates(results[0])), MustReach),
            Output.Ratio(Statistics.MedianRatio(Rates(results[1]), Rates(results[3]))),
            Peak(results[1]),
            Peak(results[2]),
        ];
    }

    private static List<double?> Rates(List<ImageReadingResult?> results) =>
        results.ConvertAll(each => each is null ? null : each.Images / (double?)each.Seconds);

    private static string Peak(List<ImageReadingResult?> results) =>
        Output.Megabytes(Statistics.Median(results.OfType<ImageReadingResult>().Select(each => (double)each.Peak)) ?? double.NaN);
}
