using System.Formats.Tar;

namespace Microsoft.ML.ResNet.Files;

/// <summary>Opens files. Pipes and devices, which may never answer or never end, are refused before they are opened.</summary>
internal static class RegularFile
{
    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <exception cref="IOException">It cannot be opened, or is a folder, a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static FileStream OpenRead(string path)
    {
        Check(path);
        return File.OpenRead(path);
    }

    /// <summary>Checks that a path leads to a file, if to anything.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <exception cref="IOException">It is a folder, a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">It is empty, and may not be read.</exception>
    public static void Check(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder, but must be a file."); // the system says that access is denied
        }

        var link = new FileInfo(path);
        var file = link.ResolveLinkTarget(returnFinalTarget: true) ?? link;
        if (file is FileInfo { Exists: true, Length: 0 } && !IsPackedAsFile(file.FullName))
        {
            throw new IOException($"'{path}' holds nothing: it is a pipe or a device. Only files are read and replaced.");
        }
    }

    // Of a pipe, a device and a socket the system gives the length 0, as of an empty file. .NET tells these apart only where it packs
    // files.
    private static bool IsPackedAsFile(string path)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            try
            {
                writer.WriteEntry(path, entryName: "file");
            }
            catch (IOException)
            {
                return false; // a socket
            }
        }

        archive.Position = 0;
        using var reader = new TarReader(archive);
        return reader.GetNextEntry() is { EntryType: TarEntryType.RegularFile };
    }
}
