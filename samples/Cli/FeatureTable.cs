namespace Cli;

/// <summary>A table of features that is being written: an image is a row.</summary>
internal abstract class FeatureTable : IDisposable
{
    /// <summary>Chooses the format by the file's name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="follows">Whether it will be joined to another one, which has the names of the columns.</param>
    /// <returns>What makes the table, given where to write to, which stays open, and the number of features.</returns>
    public static Func<Stream, int, FeatureTable> For(string path, bool follows = false) =>
        Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" => (stream, features) => new CsvFeatureTable(stream, features, follows),
            ".parquet" => (stream, features) => new ParquetFeatureTable(stream, features),
            _ => throw new ArgumentException($"'{path}' must end in .parquet or .csv, which says what is written."),
        };

    /// <summary>Adds a row.</summary>
    public abstract void Add(string path, float[] features);

    public abstract void Dispose();

    /// <summary>Gets the name of the folder that an image is in: its class, where folders are classes.</summary>
    protected static string FolderOf(string path) =>
        path == ImageInputs.StandardInput ? "" : Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) ?? "";
}
