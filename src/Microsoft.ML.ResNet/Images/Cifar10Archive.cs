using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Images;

/// <summary>The archive of the binary version, compressed or not. Nothing of it is ever written to a disk.</summary>
internal static class Cifar10Archive
{
    /// <summary>The folder that the published archive's files are in.</summary>
    public const string Folder = "cifar-10-batches-bin";

    private const int MostNamesTold = 5;

    // Beside the six files the published archive holds a list of the classes and a page that links to the data's own: 61 and 88 bytes.
    private const long LongestUnpacked = 6L * Cifar10Batch.MaxLength + (16 << 20);

    /// <summary>Gets the archive as it was published: the MD5 is on the authors' page, the length is what its server gives.</summary>
    public static PublishedFile Published { get; } = new(
        new Uri("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"), HashAlgorithmName.MD5, "c32a1d4ab5d03f1284b67883e8d87530")
    {
        Length = 170_052_171,
    };

    /// <summary>Reads the six files.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged, or is none of CIFAR-10's binary version.</exception>
    public static Dictionary<string, ReadOnlyMemory<byte>[]> Read(string path)
    {
        using var file = File.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads the six files from a seekable stream.</summary>
    /// <exception cref="InvalidDataException">The only exception that what is in the stream can cause.</exception>
    public static Dictionary<string, ReadOnlyMemory<byte>[]> Read(Stream archive, string path)
    {
        try
        {
            var tooLong = string.Create(CultureInfo.InvariantCulture, $"it unpacks to more than {LongestUnpacked:n0} bytes");
            using var unpacked = new MeteredStream(Unpack(archive), LongestUnpacked, tooLong);
            return ReadEntries(unpacked);
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            var found = exception is InvalidDataException ? exception.Message.TrimEnd('.') : "it is cut short";
            throw new InvalidDataException(
                $"'{path}' is no archive of CIFAR-10's binary version: {found}. "
                + $"That archive is {Published.Address}; others, and zip files, must be unpacked first.", exception);
        }
    }

    private static Dictionary<string, ReadOnlyMemory<byte>[]> ReadEntries(Stream unpacked)
    {
        Dictionary<string, ReadOnlyMemory<byte>[]> files = [];
        List<string> others = [];
        var entries = new BoundedTarReader(unpacked);
        while (entries.MoveNext())
        {
            if (FileNameOf(entries.Name) is not { } name)
            {
                if (others.Count < MostNamesTold)
                {
                    others.Add(Quote(entries.Name));
                }

                continue;
            }

            if (!entries.IsFile)
            {
                throw new InvalidDataException($"its entry {Quote(entries.Name)} is a link or a folder, not a file");
            }

            if (files.ContainsKey(name))
            {
                throw new InvalidDataException($"it has two entries {name}");
            }

            files.Add(name, Cifar10Batch.Read(name, entries.Length, entries.ReadExactly));
        }

        // The checksum of gzip comes after the last of the data.
        unpacked.CopyTo(Stream.Null);
        var told = others.Count == 0 ? "" : $"; its other entries are {string.Join(", ", others)}";
        var missing = Cifar10Batch.Files.Where(name => !files.ContainsKey(name)).ToArray();
        return missing.Length == 0
            ? files
            : throw new InvalidDataException($"it lacks {string.Join(", ", missing)}{told}");
    }

    // One of the six, at the top or in the published folder. Any other entry is passed over, whatever its path.
    private static string? FileNameOf(string entry)
    {
        var path = entry.StartsWith("./", StringComparison.Ordinal) ? entry[2..] : entry;
        var name = path.StartsWith($"{Folder}/", StringComparison.Ordinal) ? path[(Folder.Length + 1)..] : path;
        return Cifar10Batch.Files.Contains(name) ? name : null;
    }

    private static Stream Unpack(Stream file)
    {
        Span<byte> start = stackalloc byte[2];
        var isGzip = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start is [0x1F, 0x8B];
        file.Position = 0;
        return isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
    }
}
