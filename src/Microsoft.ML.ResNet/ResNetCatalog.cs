using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;

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

    /// <summary>Classifies images with a trained network as it is, without any training.</summary>
    /// <param name="catalog"><see cref="MLContext.Transforms"/>.</param>
    /// <param name="weights">The network's weights: <see cref="ResNetWeights.Load"/>.</param>
    /// <param name="architecture">The network that they belong to.</param>
    /// <param name="classNames">A name for each class, in the order of the network's outputs; null for those in the weights, or 0, 1, 2, ….</param>
    /// <param name="imageColumnName">The image column: images, or planar vectors of bytes or floats of the network's input shape.</param>
    /// <param name="preprocessing">How pixels become the network's input; null for what the weights say.</param>
    /// <returns>An estimator that adds <c>Score</c> and <c>PredictedLabel</c>, as a trained classifier does.</returns>
    /// <exception cref="ArgumentException">The weights do not fit the architecture or the class names, or nothing says how to preprocess.</exception>
    public static ResNetScoringEstimator ApplyResNet(
        this TransformsCatalog catalog,
        ResNetWeights weights,
        ResNetArchitecture architecture,
        IEnumerable<string>? classNames = null,
        string imageColumnName = "Image",
        ImagePreprocessing? preprocessing = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new ResNetScoringEstimator(catalog.GetEnvironment(), weights, architecture, classNames, imageColumnName, preprocessing);
    }

    /// <summary>Turns images into a trained network's pooled features, for any other ML.NET trainer.</summary>
    /// <param name="catalog"><see cref="MLContext.Transforms"/>.</param>
    /// <param name="outputColumnName">The column to add: a vector of floats, of 64 values for the CIFAR networks, 512 for ResNet-18 and 34, 2048 for ResNet-50 and deeper ones.</param>
    /// <param name="imageColumnName">The image column: images, or planar vectors of bytes or floats of the network's input shape.</param>
    /// <param name="weights">The network's weights: <see cref="ResNetWeights.Load"/>. The head is not needed.</param>
    /// <param name="architecture">The network that they belong to.</param>
    /// <param name="preprocessing">How pixels become the network's input; null for what the weights say.</param>
    /// <returns>An estimator that adds the features.</returns>
    /// <exception cref="ArgumentException">The weights do not fit the architecture, or nothing says how to preprocess.</exception>
    public static ResNetFeaturizingEstimator ResNetFeaturizeImage(
        this TransformsCatalog catalog,
        string outputColumnName,
        string imageColumnName,
        ResNetWeights weights,
        ResNetArchitecture architecture,
        ImagePreprocessing? preprocessing = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new ResNetFeaturizingEstimator(catalog.GetEnvironment(), outputColumnName, imageColumnName, weights, architecture, preprocessing);
    }
}
