namespace WebApp.Models;

/// <summary>
/// The file that a path leads to, if it is one that can be read to its end. A pipe or a device is never opened: it may never answer, or
/// never end.
/// </summary>
internal static class ModelFile
{
    /// <summary>Finds the file behind a path, through links.</summary>
    /// <returns>The file; null if there is none.</returns>
    public static FileInfo? Find(string path)
    {
        try
        {
            var link = new FileInfo(path);
            var file = link.ResolveLinkTarget(returnFinalTarget: true) ?? link;
            return file is FileInfo { Exists: true } found ? found : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Links that go round, or a folder that is closed.
            return null;
        }
    }

    /// <summary>Reads the file at once, so that what is hashed is what is loaded even if the file is replaced meanwhile.</summary>
    /// <exception cref="IOException">There is no such file, it holds nothing or too much, or it cannot be read.</exception>
    public static async Task<byte[]> ReadAsync(string path, int maxBytes, CancellationToken cancellation)
    {
        var file = Find(path) ?? throw new FileNotFoundException($"There is no file '{path}'.");
        var length = file.Length;
        if (length == 0)
        {
            throw new IOException(
                $"'{path}' holds nothing: it is empty, a pipe or a device. It must be a file that mlContext.Model.Save wrote.");
        }

        if (length > maxBytes)
        {
            throw new IOException(
                $"'{path}' has {length:n0} bytes; {maxBytes:n0} are accepted. "
                + $"If it is a model, raise {nameof(ServiceOptions.MaxModelBytes)}.");
        }

        var content = new byte[length];
        await using var stream = file.OpenRead();
        await stream.ReadExactlyAsync(content, cancellation);
        return content;
    }
}
