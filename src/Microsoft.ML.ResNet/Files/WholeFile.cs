namespace Microsoft.ML.ResNet.Files;

/// <summary>Writes files that are there whole or not at all, however the process ends.</summary>
internal static class WholeFile
{
    /// <summary>Writes beside the file's place, then moves there. A file that was there before stays until then.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
