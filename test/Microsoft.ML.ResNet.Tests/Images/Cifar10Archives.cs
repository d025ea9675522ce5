using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Small archives of CIFAR-10's form, and others that only look like it.</summary>
internal static class Cifar10Archives
{
    public const int RecordsPerFile = 30;

    /// <summary>The bytes of a file: record i of it has the label i modulo 10, and random pixels.</summary>
    public static byte[] File(string name, int records = RecordsPerFile)
    {
        var bytes = new byte[records * Cifar10Batch.RecordLength];
        new Random(Cifar10Batch.Files.IndexOf(name)).NextBytes(bytes);
        for (var i = 0; i < records; i++)
        {
            bytes[i * Cifar10Batch.RecordLength] = (byte)(i % 10);
        }

        return bytes;
    }

    /// <summary>The six files as entries, below a folder.</summary>
    public static TarEntry[] Entries(
        string folder = "cifar-10-batches-bin/", TarEntryFormat format = TarEntryFormat.Ustar, int records = RecordsPerFile) =>
        [.. Cifar10Batch.Files.Select(name => Entry(folder + name, File(name, records), format))];

    public static TarEntry Entry(string name, byte[] content, TarEntryFormat format = TarEntryFormat.Ustar)
    {
        TarEntry entry = format switch
        {
            TarEntryFormat.V7 => new V7TarEntry(TarEntryType.V7RegularFile, name),
            TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
            TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
            _ => new PaxTarEntry(TarEntryType.RegularFile, name),
        };
        entry.DataStream = new MemoryStream(content);
        return entry;
    }

    public static byte[] Tar(params IEnumerable<TarEntry> entries)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, leaveOpen: true))
        {
            foreach (var entry in entries)
            {
                writer.WriteEntry(entry);
            }
        }

        return bytes.ToArray();
    }

    public static byte[] Gzip(byte[] tar)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest))
        {
            gzip.Write(tar);
        }

        return bytes.ToArray();
    }

    /// <summary>The header of an entry, true or not; nothing follows it.</summary>
    public static byte[] Header(string name, char type, long length) => Header(name, type, Convert.ToString(length, 8).PadLeft(11, '0'));

    public static byte[] Header(string name, char type, string length)
    {
        var header = new byte[512];
        Encoding.Latin1.GetBytes(name).CopyTo(header, 0);
        Encoding.Latin1.GetBytes(length).CopyTo(header, 124);
        header[156] = (byte)type;
        "ustar\0"u8.CopyTo(header.AsSpan(257));
        header.AsSpan(148, 8).Fill((byte)' ');
        Encoding.Latin1.GetBytes(Convert.ToString(header.Sum(value => value), 8)).CopyTo(header, 148);
        return header;
    }
}
