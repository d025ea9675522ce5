namespace WebApp.Models;

/// <summary>By what one sees that a file has been replaced, or a link to it.</summary>
internal readonly record struct FileStamp(string Path, DateTime WrittenAt, long Length)
{
    public static FileStamp? Of(string path) =>
        ModelFile.Find(path) is { } file ? new FileStamp(file.FullName, file.LastWriteTimeUtc, file.Length) : null;
}
