using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML;

/// <summary>The doors to residual networks on <see cref="MLContext"/> that need no Torch.</summary>
public static class ResNetCatalog
{
    /// <summary>Lists the image files below a folder whose sub-folders are the classes.</summary>
    /// <remarks>
    /// Files that end in .jpg, .jpeg, .png, .bmp, .gif or .webp are taken, at any depth below a class's folder; hidden files and folders are
    /// not. Rows are ordered by class, then by path. The folder is listed once, when rows are first read, and no image is opened.
    /// </remarks>
    /// <param name="catalog"><see cref="MLContext.Data"/>.</param>
    /// <param name="folder">The folder.</param>
    /// <returns>A view with the text columns <c>ImagePath</c> and <c>Label</c>, the name of the sub-folder.</returns>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    public static IDataView LoadImageFolder(this DataOperationsCatalog catalog, string folder)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no image folder '{folder}' (looked in '{Path.GetFullPath(folder)}').");
        }

        var images = new Lazy<ImageFile[]>(() => ImageFolder.List(folder));
        return catalog.LoadFromEnumerable(Rows());

        IEnumerable<ImageFile> Rows()
        {
            foreach (var image in images.Value)
            {
                yield return image;
            }
        }
    }
}
