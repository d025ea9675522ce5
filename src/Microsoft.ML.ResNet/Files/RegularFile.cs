namespace Microsoft.ML.ResNet.Files;

/// <summary>Opens files that hold something. Pipes and devices, which may never answer or never end, are refused before they are opened.</summary>
/// <remarks>.NET does not tell the kinds apart, but of a pipe, a device and a socket the system gives the length 0, as of an empty file.</remarks>
internal static class RegularFile
{
    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <exception cref="IOException">It cannot be opened, or is empty, a pipe or a device.</exception>
    public static FileStream OpenRead(string path)
    {
        Check(path);
        return File.OpenRead(path);
    }

    /// <summary>Checks that a path leads to a file that holds something, if to anything.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <exception cref="IOException">It is empty, a pipe or a device.</exception>
    public static void Check(string path)
    {
        var link = new FileInfo(path);
        var file = link.ResolveLinkTarget(returnFinalTarget: true) ?? link;
        if (file is FileInfo { Exists: true, Length: 0 })
        {
            throw new IOException($"'{path}' holds nothing: it is empty, a pipe or a device. Only files with content are read.");
        }
    }
}
