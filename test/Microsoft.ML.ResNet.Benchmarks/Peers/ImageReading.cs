using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;

namespace Benchmarks.Peers;

/// <summary>Where images are read from.</summary>
internal enum ImageHome
{
    /// <summary>Files, through LoadImageFolder and LoadImages.</summary>
    Folder,

    /// <summary>Shards, in their order.</summary>
    Shards,

    /// <summary>Shards, mixed.</summary>
    MixedShards,

    /// <summary>The files' bytes, which are in memory before the clock starts.</summary>
    Memory,
}

/// <summary>Reads and decodes images on one thread, one after another, as a cursor of ML.NET gives them.</summary>
/// <param name="Home">Where they are.</param>
/// <param name="Name">The folder, or the names of the shards.</param>
/// <param name="Most">How many are read at most.</param>
internal sealed record ImageReading(ImageHome Home, string Name, int Most)
{
    public static readonly Peer<ImageReading, ImageReadingResult> Peer = new("read-images", Read);

    private static ImageReadingResult Read(ImageReading work)
    {
        var ml = new MLContext(seed: 1);
        var (images, seconds) = work.Home switch
        {
            ImageHome.Memory => Decode([.. ImageFolder.FilesBelow(work.Name).Take(work.Most).Select(File.ReadAllBytes)]),
            ImageHome.Folder => Count(() => Loaded(ml, ml.Data.LoadImageFolder(work.Name)), work.Most),
            ImageHome.Shards => Count(() => ml.Data.LoadImageShards(work.Name), work.Most),
            _ => Count(() => ml.Data.LoadImageShards(work.Name, new ImageShardOptions { Seed = 1 }), work.Most),
        };
        using var process = Process.GetCurrentProcess();
        return new ImageReadingResult(images, seconds, process.PeakWorkingSet64);
    }

    private static IDataView Loaded(MLContext ml, IDataView files) =>
        ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);

    private static (int Images, double Seconds) Decode(byte[][] files)
    {
        var (decoder, clock) = (new ImageDecoder(), Stopwatch.StartNew());
        foreach (var file in files)
        {
            decoder.Decode(file).Dispose();
        }

        return (files.Length, clock.Elapsed.TotalSeconds);
    }

    private static (int Images, double Seconds) Count(Func<IDataView> open, int most)
    {
        var clock = Stopwatch.StartNew();
        var view = open();
        DataViewSchema.Column[] columns = [view.Schema["Image"], view.Schema["Label"]];
        using var cursor = view.GetRowCursorSet(columns, 1)[0];
        var getImage = cursor.GetGetter<MLImage>(columns[0]);
        var getLabel = cursor.GetGetter<ReadOnlyMemory<char>>(columns[1]);
        var (image, label, images) = (default(MLImage)!, default(ReadOnlyMemory<char>), 0);
        while (images < most && cursor.MoveNext())
        {
            getImage(ref image);
            getLabel(ref label);
            images++;
        }

        return (images, clock.Elapsed.TotalSeconds);
    }
}

/// <summary>Images read, the seconds that it took, and the most memory of the process, in bytes.</summary>
internal sealed record ImageReadingResult(int Images, double Seconds, long Peak);
