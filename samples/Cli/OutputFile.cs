namespace Cli;

/// <summary>Files that are there whole or not at all, however the command ends.</summary>
internal static class OutputFile
{
    /// <summary>Checks, before work is done, that a file can be written there.</summary>
    /// <exception cref="IOException">There is no such folder, or the path is a folder.</exception>
    public static string Checked(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (Directory.Exists(path) || !Directory.Exists(folder))
        {
            throw new IOException($"'{path}' cannot be written: {(Directory.Exists(path) ? "it is a folder" : $"there is no folder '{folder}'")}.");
        }

        return path;
    }

    /// <summary>Writes beside the file's place, then moves there. A file that was there before stays until then.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Is given the path to write to.</param>
    public static void Write(string path, Action<string> write)
    {
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            write(temporary);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
