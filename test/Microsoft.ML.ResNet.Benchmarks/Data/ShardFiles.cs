using System.Formats.Tar;
using System.Globalization;
using System.Text;

namespace Benchmarks.Data;

/// <summary>Shards of images, which are gone in the end: of each image its file and the name of its class.</summary>
internal sealed class ShardFiles : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("resnet-shards-").FullName;

    /// <param name="images">The images, each a file's content and its class.</param>
    /// <param name="perShard">How many are in a shard.</param>
    public ShardFiles(IEnumerable<(string Extension, byte[] Content, string Label)> images, int perShard)
    {
        var shards = 0;
        foreach (var shard in images.Index().Chunk(perShard))
        {
            using var tar = new TarWriter(File.Create(Path.Combine(_folder, $"{shards++:d4}.tar")), TarEntryFormat.Ustar);
            foreach (var (number, (extension, content, label)) in shard)
            {
                Add(tar, string.Create(CultureInfo.InvariantCulture, $"{number:d8}{extension}"), content);
                Add(tar, string.Create(CultureInfo.InvariantCulture, $"{number:d8}.cls"), Encoding.UTF8.GetBytes(label));
            }
        }

        Pattern = Path.Combine(_folder, $"{{0000..{shards - 1:d4}}}.tar");
    }

    /// <summary>Gets the names of the shards, in braces.</summary>
    public string Pattern { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Add(TarWriter tar, string name, byte[] content) =>
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
}
