namespace Microsoft.ML.ResNet.Files;

/// <summary>Writes files that are there whole or not at all, however the process ends, and even if the power fails.</summary>
/// <remarks>
/// Until a file is whole and on the disk it lies beside its place, as <c>NAME.GUID.tmp</c>. One that a killed process left there is deleted
/// when the same file is written again.
/// </remarks>
internal static class WholeFile
{
    /// <summary>Writes a file. The one before stays until the new one is whole; through a link, what it leads to is written.</summary>
    /// <param name="path">The file, or a link.</param>
    /// <param name="write">Is given a stream that can seek.</param>
    /// <exception cref="IOException">It cannot be written, or is a folder, a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var file = Target(path);
        DeleteOrphans(file);
        var temporary = Temporary(file);
        try
        {
            using (var stream = Orphans.CreateOwned(temporary))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
                File.Move(temporary, file, overwrite: true);
            }

            FolderSync.Flush(Path.GetDirectoryName(file)!);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Checks, before work is done for it, that a file can be written: something is made in its folder, and deleted.</summary>
    /// <param name="path">The file, or a link.</param>
    /// <exception cref="IOException">It cannot be written, or is a folder, a pipe or a device.</exception>
    public static void Check(string path)
    {
        var file = Target(path);
        DeleteOrphans(file);
        try
        {
            var temporary = Temporary(file);
            Orphans.CreateOwned(temporary).Dispose();
            File.Delete(temporary);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"'{path}' cannot be written: no file can be made in folder '{Path.GetDirectoryName(file)}' "
                + $"({exception.Message.TrimEnd('.')}).", exception);
        }
    }

    // Where links lead; what is there must be a file, or nothing.
    private static string Target(string path)
    {
        var file = new FileInfo(path).LinkTarget is null
            ? Path.GetFullPath(path)
            : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        var folder = Path.GetDirectoryName(file);
        if (folder is null || Directory.Exists(file))
        {
            throw new IOException($"'{path}' cannot be written: it is a folder.");
        }

        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"'{path}' cannot be written: there is no folder '{folder}'.");
        }

        if (File.Exists(file))
        {
            RegularFile.Check(file);
        }

        return file;
    }

    private static string Temporary(string file) => $"{file}.{Guid.NewGuid():n}.tmp";

    private static void DeleteOrphans(string file)
    {
        var (before, after) = ($"{Path.GetFileName(file)}.", ".tmp");
        Orphans.Delete(Directory.EnumerateFiles(Path.GetDirectoryName(file)!, $"*{after}").Where(IsTemporary), File.Delete);

        bool IsTemporary(string path) => Path.GetFileName(path) is var name
            && name.Length > before.Length + after.Length
            && name.StartsWith(before, StringComparison.Ordinal)
            && Guid.TryParseExact(name.AsSpan(before.Length..^after.Length), "n", out _);
    }
}
