using System.Formats.Tar;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Shards;

/// <summary>Makes shards, and reads them back.</summary>
internal static class TestShards
{
    private static readonly Lazy<byte[][]> Images =
        new(() => [.. Enumerable.Range(0, 4).Select(index => ImageFiles.Png(2 + index, 3, 8, 2))]);

    /// <summary>Gets an image; four of them differ by their width, 2 to 5.</summary>
    public static byte[] Image(int index) => Images.Value[index % 4];

    /// <summary>Makes an archive of members.</summary>
    public static byte[] Tar(IEnumerable<(string Name, byte[] Content)> members, TarEntryFormat format = TarEntryFormat.Ustar)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, format, leaveOpen: true))
        {
            foreach (var (name, content) in members)
            {
                TarEntry entry = format switch
                {
                    TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
                    _ => new UstarTarEntry(TarEntryType.RegularFile, name),
                };
                entry.DataStream = new MemoryStream(content);
                writer.WriteEntry(entry);
            }
        }

        return archive.ToArray();
    }

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Makes shards of samples s000, s001, …, counted through, whose labels are 0, 1, 2, 0, ….</summary>
    /// <returns>The pattern of their names.</returns>
    public static string Write(TemporaryFolder folder, int shards, int samples)
    {
        for (var shard = 0; shard < shards; shard++)
        {
            File.WriteAllBytes(folder[$"s-{shard:d2}.tar"], Content(shard * samples, samples));
        }

        return folder[$"s-{{00..{shards - 1:d2}}}.tar"];
    }

    /// <summary>Makes a shard.</summary>
    public static byte[] Content(int first, int samples) => Tar(Enumerable.Range(first, samples).SelectMany(number => new[]
    {
        ($"s{number:d3}.png", Image(number)), ($"s{number:d3}.cls", Text($"{number % 3}")),
    }));

    /// <summary>Reads the columns of paths, without what is before the key.</summary>
    public static string[] Keys(IDataView view) =>
        [.. view.GetColumn<string>("ImagePath").Select(path => Path.GetFileNameWithoutExtension(path))];

    /// <summary>Reads the widths of all images.</summary>
    public static IEnumerable<int> Widths(IDataView view)
    {
        using var cursor = view.GetRowCursor([view.Schema["Image"]]);
        var (getImage, image, widths) = (cursor.GetGetter<MLImage>(view.Schema["Image"]), default(MLImage)!, new List<int>());
        while (cursor.MoveNext())
        {
            getImage(ref image);
            widths.Add(image.Width);
        }

        image?.Dispose();
        return widths;
    }
}
