using System.IO.Compression;

namespace Microsoft.ML.ResNet.Files;

/// <summary>A zip archive whose entries are stored as they are. ML.NET writes only compressed ones, but reads both.</summary>
internal static class UncompressedArchive
{
    /// <summary>Copies an archive, entry by entry.</summary>
    /// <param name="path">The archive to read.</param>
    /// <param name="destination">Where the copy is written; it must be seekable.</param>
    public static void Write(string path, Stream destination)
    {
        using var from = ZipFile.OpenRead(path);
        using var to = new ZipArchive(destination, ZipArchiveMode.Create, leaveOpen: true);
        foreach (var entry in from.Entries)
        {
            var copy = to.CreateEntry(entry.FullName, CompressionLevel.NoCompression);
            copy.LastWriteTime = entry.LastWriteTime;
            using var content = entry.Open();
            using var stored = copy.Open();
            content.CopyTo(stored);
        }
    }
}
