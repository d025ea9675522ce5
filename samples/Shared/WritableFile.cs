namespace Samples;

/// <summary>Files that a sample writes once it has trained.</summary>
internal static class WritableFile
{
    /// <summary>Refuses a name that no file can be written to: better now than after the training. What is there stays.</summary>
    /// <param name="option">The option that gives the name.</param>
    /// <param name="path">The name. Its folder is made if it is not there.</param>
    /// <exception cref="IOException">It is a folder, or a place where nothing can be made.</exception>
    public static void Ensure(string option, string path)
    {
        try
        {
            if (path.Length == 0 || Directory.Exists(path))
            {
                throw new IOException(path.Length == 0 ? "the name is empty" : "it is a folder");
            }

            var isNew = !File.Exists(path);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
            if (isNew)
            {
                File.Delete(path);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{option} is '{path}', but no file can be written there: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
