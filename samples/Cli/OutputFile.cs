using Microsoft.ML.ResNet.Files;

namespace Cli;

/// <summary>Files that commands write: there whole or not at all, however the command ends.</summary>
internal static class OutputFile
{
    /// <summary>Checks, before work is done, that a file can be written there.</summary>
    /// <exception cref="IOException">It cannot; or there is something that is no file.</exception>
    public static string Checked(string path)
    {
        WholeFile.Check(path);
        return path;
    }

    /// <summary>Gets the bytes of a file that was written, through a link or not.</summary>
    public static long Length(string path)
    {
        using var file = File.OpenHandle(path);
        return RandomAccess.GetLength(file);
    }
}
