using System.Formats.Tar;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using Spectre.Console;

namespace Cli;

/// <summary>Writes labeled images as shards: of each image the file as it is, the number of its class, and its label and path.</summary>
internal sealed class ShardWriter(LabeledImages images, string folder, string name, long size, int seed)
{
    /// <summary>The file beside the shards with the names of the classes, in the order of their numbers.</summary>
    public const string ClassesFile = "classes.txt";

    // Of a tar: a header and whole blocks for each member, and blocks of zeros at its end.
    private const int Block = 512;
    private const int EndOfArchive = 2 * Block;

    private static readonly UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Gets what is told of each file that cannot be read.</summary>
    public required Action<string> Failed { get; init; }

    /// <summary>Refuses a folder that has shards of a name.</summary>
    /// <exception cref="IOException">It has.</exception>
    public static void RefuseExisting(string folder, string name)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, $"{name}-*.tar").FirstOrDefault() is { } existing)
        {
            throw new IOException($"There is a shard '{existing}' already. Name another folder with --out, or delete the shards in it.");
        }
    }

    /// <summary>Writes the shards, each whole or not at all.</summary>
    /// <exception cref="IOException">They cannot be written, or there are some already.</exception>
    public WrittenShards Write(ProgressTask? bar, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        RefuseExisting(folder, name);
        bar?.MaxValue = images.Files.Length;
        int[] order = [.. Enumerable.Range(0, images.Files.Length)];
        new Random(seed).Shuffle(order);
        var (shards, next, failed, bytes) = (0, 0, 0, 0L);
        while (next < order.Length)
        {
            WholeFile.Write(Path.Combine(folder, FileName(shards)), stream =>
            {
                failed += WriteShard(stream, order, ref next, bar, cancellation);
                bytes += stream.Length;
            });
            shards++;
        }

        WholeFile.Write(Path.Combine(folder, ClassesFile), stream =>
            stream.Write(Encoding.UTF8.GetBytes(string.Concat(images.Classes.Select(each => $"{each}\n")))));
        var pattern = shards == 1 ? FileName(0) : $"{name}-{{000000..{shards - 1:d6}}}.tar";
        return new WrittenShards(Path.Combine(folder, pattern), shards, images.Files.Length - failed, failed, bytes);
    }

    private string FileName(int shard) => string.Create(CultureInfo.InvariantCulture, $"{name}-{shard:d6}.tar");

    // As many of the images that come next as the size allows, and one at least. Returns how many could not be read.
    private int WriteShard(Stream stream, int[] order, ref int next, ProgressTask? bar, CancellationToken cancellation)
    {
        var failed = 0;
        using var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
        for (var isEmpty = true; next < order.Length; next++)
        {
            cancellation.ThrowIfCancellationRequested();
            var file = images.Files[order[next]];
            if (Read(file.ImagePath) is not { } content)
            {
                failed++;
                bar?.Increment(1);
                continue;
            }

            var members = Members(next, file, content);
            if (!isEmpty && stream.Length + members.Sum(member => LengthOf(member.Content)) + EndOfArchive > size)
            {
                return failed;
            }

            foreach (var (extension, bytes) in members)
            {
                Add(tar, $"{next:d9}{extension}", bytes);
            }

            isEmpty = false;
            bar?.Increment(1);
        }

        return failed;
    }

    private (string Extension, byte[] Content)[] Members(int number, ImageFolderRow file, byte[] content)
    {
        var label = images.Classes.IndexOf(file.Label);
        var json = new JsonObject
        {
            ["label"] = file.Label,
            ["file"] = Path.GetRelativePath(images.Folder, file.ImagePath).Replace(Path.DirectorySeparatorChar, '/'),
        };
        return
        [
            (Path.GetExtension(file.ImagePath).ToLowerInvariant(), content),
            (".cls", Encoding.UTF8.GetBytes(label.ToString(CultureInfo.InvariantCulture))),
            (".json", Encoding.UTF8.GetBytes(json.ToJsonString(JsonSerializerOptions.Web))),
        ];
    }

    private byte[]? Read(string path)
    {
        try
        {
            RegularFile.Check(path);
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Failed($"Image '{path}' cannot be read: {exception.Message.TrimEnd('.')}.");
            return null;
        }
    }

    private static long LengthOf(byte[] content) => Block + (content.Length + Block - 1L) / Block * Block;

    // Nothing of this machine or of now: the same images give the same bytes.
    private static void Add(TarWriter tar, string name, byte[] content) => tar.WriteEntry(
        new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = new MemoryStream(content), ModificationTime = DateTimeOffset.UnixEpoch, Mode = Mode,
        });
}

/// <summary>What was written.</summary>
/// <param name="Pattern">The names of all shards, in braces.</param>
/// <param name="Shards">How many shards there are.</param>
/// <param name="Images">How many images are in them.</param>
/// <param name="Failed">How many images could not be read.</param>
/// <param name="Bytes">The length of all shards.</param>
internal sealed record WrittenShards(string Pattern, int Shards, int Images, int Failed, long Bytes);
