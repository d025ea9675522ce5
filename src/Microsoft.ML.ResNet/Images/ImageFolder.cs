using System.Collections;
using System.Collections.Frozen;
using System.IO.Enumeration;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// The image files below a folder whose sub-folders are the classes: in the order of their class, then of their path, both ordinal, the
/// same on every machine.
/// </summary>
/// <remarks>A million files are common. So their names lie in one array per class, and a row is made when it is read.</remarks>
internal sealed class ImageFolder : IEnumerable<ImageFolderRow>
{
    // What SkiaSharp, and so ML.NET's LoadImages, decodes on every platform.
    private static readonly FrozenSet<string> Extensions =
        FrozenSet.ToFrozenSet([".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"], StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> ExtensionsBySpan =
        Extensions.GetAlternateLookup<ReadOnlySpan<char>>();

    // Attributes are asked for where they are needed only: on Unix each answer is a system call.
    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };

    private readonly ClassFolder[] _classes;

    private ImageFolder(ClassFolder[] classes) => _classes = classes;

    /// <summary>Gets the names of the classes that have images.</summary>
    public IEnumerable<string> ClassNames => _classes.Select(each => each.Name);

    /// <summary>Lists the images.</summary>
    /// <exception cref="InvalidOperationException">There is no sub-folder with an image.</exception>
    public static ImageFolder List(string folder)
    {
        var visible = new EnumerationOptions { AttributesToSkip = FileAttributes.Hidden | FileAttributes.System };
        ClassFolder[] classes =
        [
            .. Directory.EnumerateDirectories(folder, "*", visible)
                .Order(StringComparer.Ordinal)
                .Select(path => ClassFolder.List(Path.GetFullPath(path)))
                .Where(each => each.Count > 0),
        ];
        return classes.Length > 0
            ? new ImageFolder(classes)
            : throw new InvalidOperationException(
                $"Folder '{folder}' has no sub-folder with images. Each class needs a sub-folder of its own, named after it, "
                + $"with files that end in {string.Join(", ", Extensions.Order())}.");
    }

    /// <summary>Lists the image files below a folder, at any depth, in the order of their paths.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static string[] FilesBelow(string folder)
    {
        string[] paths = [.. ImagesBelow(Path.GetFullPath(folder))];
        Array.Sort(paths, StringComparer.Ordinal);
        return paths.Length > 0
            ? paths
            : throw new InvalidOperationException(
                $"Folder '{folder}' has no images: no file in it, at any depth, ends in {string.Join(", ", Extensions.Order())}.");
    }

    public IEnumerator<ImageFolderRow> GetEnumerator()
    {
        foreach (var folder in _classes)
        {
            for (var i = 0; i < folder.Count; i++)
            {
                yield return new ImageFolderRow { ImagePath = folder.PathOf(i), Label = folder.Name };
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // Links to folders are not followed: they could lead back here.
    private static FileSystemEnumerable<string> ImagesBelow(string folder) => new(
        folder, (ref FileSystemEntry entry) => entry.ToFullPath(), Everything)
    {
        ShouldIncludePredicate = (ref FileSystemEntry entry) =>
            !entry.IsDirectory && IsVisible(ref entry) && ExtensionsBySpan.Contains(Path.GetExtension(entry.FileName)),
        ShouldRecursePredicate = (ref FileSystemEntry entry) =>
            IsVisible(ref entry) && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
    };

    private static bool IsVisible(ref FileSystemEntry entry) =>
        !entry.IsHidden && !(OperatingSystem.IsWindows() && entry.Attributes.HasFlag(FileAttributes.System));

    /// <summary>The images of one class.</summary>
    private sealed class ClassFolder(string path, string names, int[] ends)
    {
        public string Name { get; } = Path.GetFileName(path);

        public int Count => ends.Length;

        public static ClassFolder List(string path)
        {
            string[] paths = [.. ImagesBelow(path)];
            Array.Sort(paths, StringComparer.Ordinal);
            var (ends, length) = (new int[paths.Length], 0);
            for (var i = 0; i < paths.Length; i++)
            {
                ends[i] = checked(length += paths[i].Length - path.Length);
            }

            // One after another, without the folder that all of them start with.
            var names = string.Create(length, (paths, path.Length), static (names, state) =>
            {
                foreach (var file in state.paths)
                {
                    file.AsSpan(state.Length).CopyTo(names);
                    names = names[(file.Length - state.Length)..];
                }
            });
            return new ClassFolder(path, names, ends);
        }

        public string PathOf(int index)
        {
            var start = index == 0 ? 0 : ends[index - 1];
            return string.Concat(path, names.AsSpan(start, ends[index] - start));
        }
    }
}
