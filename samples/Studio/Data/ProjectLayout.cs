namespace Studio.Data;

/// <summary>Where a project's images lie: a folder for each class, or the same in a folder to train on and one to test on.</summary>
/// <param name="Root">The folder of the images: the project's, or the only folder in it.</param>
/// <param name="Parts">
/// The folders to train on and to test on, in this order; one empty name where the classes lie in <paramref name="Root"/>.
/// </param>
internal sealed record ProjectLayout(string Root, string[] Parts)
{
    /// <summary>The folders of a project that hold no images to learn from.</summary>
    public static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase) { "runs", "trash" };

    /// <summary>The names that a folder of images to test on may have.</summary>
    public static readonly string[] TestNames = ["test", "val", "valid", "validation"];

    /// <summary>Gets whether there are images of their own to test on.</summary>
    public bool IsSplit => Parts.Length == 2;

    /// <summary>Looks at the folders.</summary>
    public static ProjectLayout Of(string project)
    {
        var layout = In(project);
        if (layout.IsSplit)
        {
            return layout;
        }

        // An archive often holds one folder with all the rest.
        return Folders(project).ToArray() is [var only] && !HasFiles(only) && In(only) is var inner && (inner.IsSplit
            || Folders(only).Any())
            ? inner
            : layout;
    }

    /// <summary>Lists the folders in a folder, without links, hidden ones and the studio's own.</summary>
    public static IEnumerable<string> Folders(string folder) =>
        new DirectoryInfo(folder).EnumerateDirectories()
            .Where(each => each.LinkTarget is null && Names.IsSafe(each.Name) && !Reserved.Contains(each.Name))
            .Select(each => each.FullName).Order(StringComparer.Ordinal);

    private static ProjectLayout In(string folder)
    {
        var train = Path.Combine(folder, "train");
        var test = TestNames.Select(name => Path.Combine(folder, name)).FirstOrDefault(path => IsPart(path));
        return IsPart(train) && test is not null
            ? new ProjectLayout(folder, ["train", Path.GetFileName(test)])
            : new ProjectLayout(folder, [""]);
    }

    private static bool IsPart(string path) =>
        new DirectoryInfo(path) is { Exists: true, LinkTarget: null } && Folders(path).Any();

    private static bool HasFiles(string folder) => Directory.EnumerateFiles(folder).Any(ImageFiles.HasImageName);
}
