using System.IO.Compression;

namespace Studio.Data;

/// <summary>Unpacks the images of a zip file: the last folder before an image's name is its class.</summary>
internal static class ArchiveImport
{
    private const int MostEntries = 500_000;
    private const long MostBytes = 50L << 30;

    /// <summary>Unpacks it.</summary>
    /// <returns>The images that were added, and those that could not be, with the reason.</returns>
    /// <exception cref="RefusedException">It is no zip file, or too large.</exception>
    public static (int Added, List<string> Refused) Unpack(string zip, ImageProject project, Action<int, int> progress)
    {
        using var archive = Open(zip);
        if (archive.Entries.Count > MostEntries || archive.Entries.Sum(entry => entry.Length) > MostBytes)
        {
            throw new RefusedException($"The archive has more than {MostEntries:n0} files or {MostBytes >> 30} GiB: unpack it yourself.");
        }

        var images = archive.Entries.Where(entry => ImageFiles.HasImageName(entry.Name)
            && !entry.FullName.StartsWith("__MACOSX/", StringComparison.Ordinal)).ToArray();
        var splits = images.Select(entry => PartOf(entry.FullName)).ToHashSet();
        var isSplit = splits.Contains("train") && splits.Count > 1;
        var (added, refused) = (0, new List<string>());
        foreach (var entry in images)
        {
            try
            {
                var folders = entry.FullName.Replace('\\', '/').Split('/')[..^1];
                var className = folders.Length > 0 ? folders[^1]
                    : throw new RefusedException("It lies in no folder, which would be its class.");
                var part = isSplit ? PartOf(entry.FullName) : "";
                var folder = Path.Combine(project.Current.Layout.Root, part, Names.CheckClass(className));
                var content = Read(entry);
                project.Write(folder, Names.ForFile(entry.Name, Path.GetExtension(entry.Name).ToLowerInvariant()), content);
                added++;
            }
            catch (RefusedException exception)
            {
                refused.Add($"{entry.FullName}: {exception.Message}");
            }

            progress(added + refused.Count, images.Length);
        }

        return (added, refused);
    }

    // "train", or the name that images to test on have; "train" as well where the path does not say.
    private static string PartOf(string path)
    {
        var folders = path.Replace('\\', '/').Split('/')[..^1];
        return folders.SkipLast(1).Select(name => name.ToLowerInvariant()).LastOrDefault(name =>
            name is "test" or "val" or "valid" or "validation")
            ?? "train";
    }

    private static ZipArchive Open(string zip)
    {
        try
        {
            return ZipFile.OpenRead(zip);
        }
        catch (InvalidDataException exception)
        {
            throw new RefusedException($"This is no zip file that can be read: {exception.Message}");
        }
    }

    // The size that the entry claims is not believed.
    private static byte[] Read(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        using var content = new MemoryStream();
        var buffer = new byte[1 << 16];
        int read;
        while ((read = stream.Read(buffer)) > 0)
        {
            content.Write(buffer, 0, read);
            if (content.Length > UploadedImage.MostBytes)
            {
                throw new RefusedException($"It has more than {UploadedImage.MostBytes >> 20} MiB.");
            }
        }

        return content.ToArray();
    }
}
