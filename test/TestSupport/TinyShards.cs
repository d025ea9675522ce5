using System.Formats.Tar;
using System.Text;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>36 small pictures in four shards, the classes in turn, which a tiny network learns in a few epochs.</summary>
internal static class TinyShards
{
    public const int Images = 36;
    private const int Shards = 4;

    /// <summary>Options with their class names, and a buffer that mixes five of them.</summary>
    public static readonly ImageShardOptions Options = new() { ClassNames = [.. Pictures.ClassNames], ShuffleBuffer = 5 };

    /// <summary>Writes them.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="damaged">The number of one whose file is cut short.</param>
    /// <param name="side">How high they are, in pixels; they are a little wider.</param>
    /// <param name="most">How many are written at most.</param>
    /// <param name="labels">Gives the label of one, or several, by its number and the name of its class; null for that name.</param>
    /// <returns>The shards' names.</returns>
    public static string Write(
        string folder, int? damaged = null, int side = 18, int most = Images, Func<int, string, string>? labels = null)
    {
        var random = new Random(1);
        for (var shard = 0; shard < Shards; shard++)
        {
            using var tar = new TarWriter(File.Create(Path.Combine(folder, $"train-{shard}.tar")), TarEntryFormat.Ustar);
            for (var number = shard * Images / Shards; number < Math.Min((shard + 1) * Images / Shards, most); number++)
            {
                var label = number % Pictures.ClassNames.Length;
                var name = Pictures.ClassNames[label];
                var png = Png(Pictures.Draw(label, side, side + 2, 3, random), side, side + 2);
                Add(tar, $"{number:d4}.png", number == damaged ? png[..(png.Length / 2)] : png);
                Add(tar, $"{number:d4}.cls", Encoding.UTF8.GetBytes(labels?.Invoke(number, name) ?? name));
            }
        }

        return Path.Combine(folder, $"train-{{0..{Shards - 1}}}.tar");
    }

    private static byte[] Png(byte[] pixels, int height, int width)
    {
        using var folder = new TemporaryFolder();
        using var image = Pictures.ToImage(pixels, height, width);
        image.Save(folder["a.png"]);
        return File.ReadAllBytes(folder["a.png"]);
    }

    private static void Add(TarWriter tar, string name, byte[] content) =>
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
}
