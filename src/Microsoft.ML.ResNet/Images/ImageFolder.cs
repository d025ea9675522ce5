using System.Collections.Frozen;
using System.IO.Enumeration;

namespace Microsoft.ML.ResNet.Images;

/// <summary>The image files below a folder whose sub-folders are the classes.</summary>
internal static class ImageFolder
{
    // What SkiaSharp, and so ML.NET's LoadImages, decodes on every platform.
    private static readonly FrozenSet<string> Extensions = FrozenSet.ToFrozenSet([".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"], StringComparer.OrdinalIgnoreCase);

    private static readonly EnumerationOptions Visible = new() { AttributesToSkip = FileAttributes.Hidden | FileAttributes.System };

    /// <summary>Lists the images in the order of their class, then of their path, both ordinal: the same on every machine.</summary>
    /// <exception cref="InvalidOperationException">There is no sub-folder with an image.</exception>
    public static ImageFile[] List(string folder)
    {
        List<ImageFile> images = [];
        foreach (var classFolder in Directory.EnumerateDirectories(folder, "*", Visible).Order(StringComparer.Ordinal))
        {
            var label = Path.GetFileName(classFolder);
            images.AddRange(ImagesBelow(classFolder).Order(StringComparer.Ordinal).Select(path => new ImageFile { ImagePath = path, Label = label }));
        }

        return images.Count > 0
            ? [.. images]
            : throw new InvalidOperationException(
                $"Folder '{folder}' has no sub-folder with images. Each class needs a sub-folder of its own, named after it, with files that end in {string.Join(", ", Extensions.Order())}.");
    }

    // Links to folders are not followed: they could lead back here.
    private static FileSystemEnumerable<string> ImagesBelow(string folder) =>
        new(folder, (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = Visible.AttributesToSkip })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && Extensions.Contains(Path.GetExtension(entry.FileName).ToString()),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
}
