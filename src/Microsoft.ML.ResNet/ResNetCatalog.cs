using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Shards;

namespace Microsoft.ML;

/// <summary>What <see cref="MLContext"/> offers for residual networks without Torch: data sets, trained networks, saving.</summary>
public static class ResNetCatalog
{
    /// <summary>Lists the image files below a folder whose sub-folders are the classes.</summary>
    /// <remarks>
    /// Files that end in .jpg, .jpeg, .png, .bmp, .gif or .webp are taken, at any depth below a class's folder; hidden files and folders
    /// are not. Rows are ordered by class, then by path. The folder is listed once, when rows are first read, and no image is opened.
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
            throw new DirectoryNotFoundException(File.Exists(folder)
                ? $"'{folder}' is a file, but must be a folder with a sub-folder of images for each class."
                : Path.IsPathFullyQualified(folder)
                    ? $"There is no image folder '{folder}'."
                    : $"There is no image folder '{folder}' (looked in '{Path.GetFullPath(folder)}').");
        }

        var images = new Lazy<ImageFolder>(() => ImageFolder.List(folder));
        return catalog.LoadFromEnumerable(Rows());

        IEnumerable<ImageFolderRow> Rows()
        {
            foreach (var image in images.Value)
            {
                yield return image;
            }
        }
    }

    /// <summary>Reads labeled images from shards: tar archives in WebDataset's format, in files or on the web.</summary>
    /// <remarks>
    /// A sample is the members of an archive that follow each other and have one name up to its first point: an image (.jpg, .jpeg, .png,
    /// .webp, .bmp or .gif), and its label in .json, .cls or .txt; other members are passed over. Shards are read as streams; a connection
    /// that breaks goes on from its byte. No shard is opened before rows are read.
    /// </remarks>
    /// <param name="catalog"><see cref="MLContext.Data"/>.</param>
    /// <param name="shards">
    /// The file or the http or https address; <c>train-{0000..0146}.tar</c> stands for 147 of them, <c>{train,test}.tar</c> for two.
    /// </param>
    /// <param name="options">How they are read; null for the defaults.</param>
    /// <returns>
    /// A view with the columns <c>Image</c>, <c>Label</c>, a text or a key of <see cref="ImageShardOptions.ClassNames"/>, and
    /// <c>ImagePath</c>, the shard and the member.
    /// </returns>
    /// <exception cref="ArgumentException">The names cannot be understood, or an option is out of its range.</exception>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    public static ImageShards LoadImageShards(this DataOperationsCatalog catalog, string shards, ImageShardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrEmpty(shards);
        return new ImageShards(catalog.GetEnvironment(), ShardNames.Expand(shards), options ?? new ImageShardOptions());
    }

    /// <summary>Loads CIFAR-10 from files on this machine.</summary>
    /// <remarks>
    /// Binary data is read at once, and kept: 184 MB, shared by all readers. Image files are listed at once, and opened as rows are read;
    /// they have their path as a third column, <c>ImagePath</c>. Both give the same columns, so that one pipeline takes either. Rows are in
    /// the order of the binary data, or of class and path.
    /// <para> The published labels 0 to 9 are in the order of the class names: <c>Conversion.MapValueToKey("Label", keyOrdinality:
    /// ByValue)</c> keeps it.
    /// </para>
    /// </remarks>
    /// <param name="catalog"><see cref="MLContext.Data"/>.</param>
    /// <param name="path">The published <c>cifar-10-binary.tar.gz</c>, or it unpacked as <c>.tar</c>, as a folder
    /// <c>cifar-10-batches-bin</c>, or as the folder that has this one in it; or a folder with folders <c>train</c> and <c>test</c>, and in
    /// each a folder of images for each class, such as <c>train/airplane</c>.
    /// </param>
    /// <returns>
    /// The training and the test images, with the columns <c>Image</c>, 32×32 pixels, and <c>Label</c>, a text: <see
    /// cref="Cifar10.ClassNames"/>.
    /// </returns>
    /// <exception cref="FileNotFoundException">There is nothing at the path, or one of the six files is missing.</exception>
    /// <exception cref="InvalidDataException">What is there is not CIFAR-10, or is damaged; the message says where.</exception>
    /// <exception cref="InvalidOperationException">A folder has no sub-folder with images.</exception>
    public static Cifar10 LoadCifar10(this DataOperationsCatalog catalog, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Cifar10Location.Load(catalog, path);
    }

    /// <summary>Downloads CIFAR-10 from its authors, or takes it from this user's cache, and loads it.</summary>
    /// <remarks>
    /// The archive, <see href="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"/>, is 170 MB. A download that broke off is picked
    /// up where it did. The file's length and MD5 are checked, before it is read, against what was published.
    /// </remarks>
    /// <param name="catalog"><see cref="MLContext.Data"/>.</param>
    /// <param name="progress">Told the share of the file that has come, 0 to 1.</param>
    /// <param name="client">Fetches the file; null for one of its own.</param>
    /// <param name="folder">Where the file is kept; null for a folder of this user's, <c>ResNet.MLNet/data</c> in the local application
    /// data.</param>
    /// <param name="cancellationToken">Stops the download; what has come is kept.</param>
    /// <returns>The training and the test images, as <see cref="LoadCifar10"/> returns them.</returns>
    /// <exception cref="IOException">The file cannot be downloaded; the message says where to put it by hand.</exception>
    /// <exception cref="InvalidDataException">What came is not the file that was published.</exception>
    public static Cifar10 DownloadCifar10(
        this DataOperationsCatalog catalog,
        IProgress<double>? progress = null,
        HttpClient? client = null,
        string? folder = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        using var own = client is null ? new HttpClient() : null;
        var path = new DownloadCache(folder ?? DownloadCache.DefaultFolder("data"), client ?? own!)
            .Get(Cifar10Archive.Published, progress, cancellationToken);
        return catalog.LoadCifar10(path);
    }

    /// <summary>Classifies images with a trained network as it is, without any training.</summary>
    /// <param name="catalog"><see cref="MLContext.Transforms"/>.</param>
    /// <param name="weights">The network's weights: <see cref="ResNetWeights.Load"/>.</param>
    /// <param name="architecture">
    /// The network that they belong to; null for the one that the weights name (<see cref="ResNetWeights.ArchitectureName"/>).
    /// </param>
    /// <param name="classNames">A name for each class, in the order of the network's outputs; null for those in the weights, or 0, 1, 2,
    /// ….</param>
    /// <param name="imageColumnName">The image column: images, or planar vectors of bytes or floats of the network's input shape.</param>
    /// <param name="preprocessing">How pixels become the network's input; null for what the weights say.</param>
    /// <param name="scoreColumnName">The column to add for the probability of each class.</param>
    /// <param name="predictedLabelColumnName">The column to add for the most probable class, a key.</param>
    /// <returns>An estimator that adds scores and predicted labels, as a trained classifier does.</returns>
    /// <exception cref="ArgumentException">
    /// The weights do not fit the architecture or the class names, or nothing says which architecture it is or how to preprocess.
    /// </exception>
    public static ResNetScoringEstimator ApplyResNet(
        this TransformsCatalog catalog,
        ResNetWeights weights,
        ResNetArchitecture? architecture = null,
        IEnumerable<string>? classNames = null,
        string imageColumnName = "Image",
        ImagePreprocessing? preprocessing = null,
        string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        var names = new ScoreColumns(scoreColumnName, predictedLabelColumnName);
        return new ResNetScoringEstimator(
            catalog.GetEnvironment(), weights, architecture, classNames, imageColumnName, preprocessing, names);
    }

    /// <summary>Turns images into a trained network's pooled features, for any other ML.NET trainer.</summary>
    /// <param name="catalog"><see cref="MLContext.Transforms"/>.</param>
    /// <param name="weights">The network's weights: <see cref="ResNetWeights.Load"/>. The head is not needed.</param>
    /// <param name="architecture">
    /// The network that they belong to; null for the one that the weights name (<see cref="ResNetWeights.ArchitectureName"/>).
    /// </param>
    /// <param name="imageColumnName">The image column: images, or planar vectors of bytes or floats of the network's input shape.</param>
    /// <param name="preprocessing">How pixels become the network's input; null for what the weights say.</param>
    /// <param name="outputColumnName">
    /// The column to add: a vector of floats, of 64 values for the CIFAR networks, 512 for ResNet-18 and 34, 2048 for ResNet-50 and deeper
    /// ones.
    /// </param>
    /// <returns>An estimator that adds the features.</returns>
    /// <exception cref="ArgumentException">
    /// The weights do not fit the architecture, or nothing says which architecture it is or how to preprocess.
    /// </exception>
    public static ResNetFeaturizingEstimator ResNetFeaturizeImage(
        this TransformsCatalog catalog,
        ResNetWeights weights,
        ResNetArchitecture? architecture = null,
        string imageColumnName = "Image",
        ImagePreprocessing? preprocessing = null,
        string outputColumnName = "Features")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new ResNetFeaturizingEstimator(
            catalog.GetEnvironment(), weights, architecture, imageColumnName, preprocessing, outputColumnName);
    }

    /// <summary>
    /// Saves a model as <see cref="ModelOperationsCatalog.Save(ITransformer, DataViewSchema, string)"/> does, but without compression: it
    /// loads faster.
    /// </summary>
    /// <remarks>
    /// Weights hardly compress: the file is a tenth larger at most. What is spared is unpacking, about 3 ms for each megabyte. <see
    /// cref="ModelOperationsCatalog.Load(string, out DataViewSchema)"/> reads it, with or without this library.
    /// </remarks>
    /// <param name="catalog"><see cref="MLContext.Model"/>.</param>
    /// <param name="model">The model: any, not only a residual network.</param>
    /// <param name="inputSchema">The schema of its input; null to save none.</param>
    /// <param name="filePath">The file to write; an existing one is replaced, once the new one is whole.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void SaveUncompressed(
        this ModelOperationsCatalog catalog, ITransformer model, DataViewSchema? inputSchema, string filePath)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(filePath);
        using var compressed = new TemporaryFile("model.zip");
        catalog.Save(model, inputSchema, compressed.Path);
        WholeFile.Write(filePath, stream => UncompressedArchive.Write(compressed.Path, stream));
    }
}
