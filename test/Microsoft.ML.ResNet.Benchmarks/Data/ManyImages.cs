using Microsoft.ML.Data;

namespace Benchmarks.Data;

/// <summary>A folder of very many very small images, which is gone in the end.</summary>
internal sealed class ManyImages : IDisposable
{
    private const int Classes = 10;

    public ManyImages(int count)
    {
        using var image = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Bgra32, [40, 90, 160, 255]);
        var first = Path.Combine(Folder, "pixel.png");
        image.Save(first);
        var png = File.ReadAllBytes(first);
        File.Delete(first);
        Parallel.For(0, Classes, label =>
        {
            var folder = Directory.CreateDirectory(Path.Combine(Folder, $"class{label}")).FullName;
            for (var i = 0; i < count / Classes; i++)
            {
                File.WriteAllBytes(Path.Combine(folder, $"{i:d6}.png"), png);
            }
        });
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("resnet-many-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
