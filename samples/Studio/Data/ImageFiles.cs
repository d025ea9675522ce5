using System.Collections.Frozen;
using System.IO.Enumeration;

namespace Studio.Data;

/// <summary>Lists image files.</summary>
internal static class ImageFiles
{
    // What the library reads.
    private static readonly FrozenSet<string> s_extensions =
        FrozenSet.ToFrozenSet([".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"], StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> s_bySpan =
        s_extensions.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Gets whether a file's name ends as an image's.</summary>
    public static bool HasImageName(string path) => s_bySpan.Contains(Path.GetExtension(path.AsSpan()));

    /// <summary>Lists the images below a folder, by their path from there, in order. Links are left out: they may lead anywhere.</summary>
    public static string[] Below(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        var start = folder.Length + 1;
        var files = new FileSystemEnumerable<string>(
            folder,
            (ref FileSystemEntry entry) => entry.ToFullPath()[start..].Replace('\\', '/'),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) =>
                !entry.IsDirectory && !entry.IsHidden && s_bySpan.Contains(Path.GetExtension(entry.FileName)) && !IsLink(ref entry),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.IsHidden && !IsLink(ref entry),
        }.ToArray();
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    private static bool IsLink(ref FileSystemEntry entry) => entry.Attributes.HasFlag(FileAttributes.ReparsePoint);
}
