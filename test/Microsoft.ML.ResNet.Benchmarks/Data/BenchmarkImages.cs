namespace Benchmarks.Data;

/// <summary>The images to measure on: those of folders that were named, or else drawn ones, which are gone in the end.</summary>
internal sealed class BenchmarkImages(string? small, string? photos, bool quick) : IDisposable
{
    private string? _drawn;
    private ImageSet? _small;
    private ImageSet? _photos;

    /// <summary>Gets small images, such as CIFAR-10.</summary>
    public ImageSet Small =>
        _small ??= small is null ? Draw("small", classes: 10, perClass: quick ? 700 : 6_000, 32, 32, ".png") : ImageSet.Of(small);

    /// <summary>Gets photographs.</summary>
    public ImageSet Photos =>
        _photos ??= photos is null ? Draw("photographs", classes: 2, perClass: 122, 375, 500, ".jpg") : ImageSet.Of(photos);

    public string SmallSource => small is null ? "drawn" : $"{Small.Paths.Length} of the user's";

    public string PhotoSource => photos is null ? "drawn" : $"{Photos.Paths.Length} of the user's";

    public void Dispose()
    {
        if (_drawn is not null)
        {
            Directory.Delete(_drawn, recursive: true);
        }
    }

    private ImageSet Draw(string name, int classes, int perClass, int height, int width, string extension)
    {
        _drawn ??= Directory.CreateTempSubdirectory("resnet-benchmarks-").FullName;
        var folder = Path.Combine(_drawn, name);
        DrawnImages.Write(folder, classes, perClass, height, width, extension);
        return ImageSet.Of(folder);
    }
}
