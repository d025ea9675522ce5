namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>What some images from all over the data are like.</summary>
/// <param name="Supersampling">How many times larger than the network's input they are read; 1 for as large.</param>
/// <param name="LargerSide">The median of their larger sides, in pixels; 0 where it is not known.</param>
/// <param name="Folder">The folder that their files lie in, sub-folders included; null where they are not from files.</param>
internal sealed record ImageSample(int Supersampling, int LargerSide, string? Folder)
{
    /// <summary>Nothing is known of them.</summary>
    public static readonly ImageSample None = new(1, 0, null);

    /// <summary>Finds the folder that files have in common.</summary>
    /// <param name="paths">Their paths; null for images that are not from files.</param>
    /// <returns>The full path of the folder; null if an image is not from a file, or where the files have no folder in common.</returns>
    public static string? FolderOf(IReadOnlyList<string?> paths)
    {
        if (paths.Count == 0 || paths.Any(string.IsNullOrEmpty))
        {
            return null;
        }

        var folders = paths.Select(path => Path.GetDirectoryName(Path.GetFullPath(path!))).Distinct().ToArray();
        var common = folders[0];
        while (common is not null && !folders.All(folder => IsIn(folder, common)))
        {
            common = Path.GetDirectoryName(common);
        }

        return common;
    }

    private static bool IsIn(string? folder, string parent) =>
        folder == parent
        || folder?.StartsWith(parent.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal) == true;
}
