using Microsoft.ML.ResNet.Images;

namespace Benchmarks.Data;

/// <summary>A folder of images.</summary>
/// <param name="Root">The folder that was named; all that is below it.</param>
/// <param name="Folder">The folder of class folders to train on: the root, or its folder <c>train</c>.</param>
/// <param name="Paths">The images to train on.</param>
internal sealed record ImageSet(string Root, string Folder, string[] Paths)
{
    public static ImageSet Of(string root)
    {
        var train = Path.Combine(root, "train");
        var folder = Directory.Exists(train) ? train : root;
        return new ImageSet(root, folder, [.. ImageFolder.List(folder).Select(image => image.ImagePath)]);
    }
}
