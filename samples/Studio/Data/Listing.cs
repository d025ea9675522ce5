namespace Studio.Data;

/// <summary>A class, and the paths of its images from the class's folder, for each part of the layout.</summary>
internal sealed record ClassListing(string Name, string[][] Images)
{
    public int Count => Images.Sum(part => part.Length);
}

/// <summary>The images of a project at one moment.</summary>
internal sealed class Listing(string folder, ProjectLayout layout, ClassListing[] classes)
{
    public ProjectLayout Layout { get; } = layout;

    public ClassListing[] Classes { get; } = classes;

    public int Count { get; } = classes.Sum(each => each.Count);

    // What stands before the part in an image's path.
    private readonly string _prefix = layout.Root == folder ? "" : $"{Path.GetRelativePath(folder, layout.Root).Replace('\\', '/')}/";

    public bool HasClass(string name) => Classes.Any(each => each.Name == name);

    public string IdOf(string part, string className, string name) => $"{_prefix}{(part.Length == 0 ? "" : $"{part}/")}{className}/{name}";

    /// <summary>Gets the images of a class and part; those of all parts where none is named.</summary>
    public string[] ImagesOf(string? className, string? part)
    {
        var listed = Classes.FirstOrDefault(each => each.Name == className)
            ?? throw new RefusedException($"There is no class '{className}'.", StatusCodes.Status404NotFound);
        return [.. Layout.Parts.SelectMany((name, index) =>
            string.IsNullOrEmpty(part) || part == name ? listed.Images[index].Select(image => IdOf(name, className!, image)) : [])];
    }

    /// <summary>Lists all images, with their class and part.</summary>
    public IEnumerable<(string Image, string Class, string Part)> All() => Classes.SelectMany(each =>
        Layout.Parts.SelectMany((part, index) =>
        each.Images[index].Select(name => (IdOf(part, each.Name, name), each.Name, part))));

    /// <summary>Gets the part that an image lies in.</summary>
    public string PartOf(string image) => Layout.IsSplit && image.StartsWith($"{_prefix}{Layout.Parts[1]}/", StringComparison.Ordinal)
        ? Layout.Parts[1]
        : Layout.Parts[0];

    public bool Contains(string image)
    {
        var part = PartOf(image);
        var start = _prefix.Length + (part.Length == 0 ? 0 : part.Length + 1);
        var rest = image.Length > start ? image[start..].Split('/', 2) : [];
        return rest.Length == 2
            && Classes.FirstOrDefault(each => each.Name == rest[0]) is { } listed
            && Array.BinarySearch(listed.Images[Array.IndexOf(Layout.Parts, part)], rest[1], StringComparer.Ordinal) >= 0;
    }
}
