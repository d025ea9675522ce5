using System.Buffers;
using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet;

/// <summary>
/// A trained network that classifies images: one object, which any number of threads may call. It needs no MLContext, no pipeline and no
/// prediction engine.
/// </summary>
/// <remarks>
/// <para>
/// The scores are those that the saved model gives in ML.NET (<c>mlContext.Model.Load(…).Transform</c>), within 0.000001, but the images
/// go to ONNX Runtime directly: the first prediction comes sooner, in less memory. Images are read by <see cref="ResNetImage"/>, so that no
/// file ends the process or takes all of its memory; one that is cut short is refused.
/// </para>
/// <code>
/// using var predictor = ResNetPredictor.Load("model.zip");
/// var prediction = predictor.Predict("photo.jpg");
/// Console.WriteLine($"{prediction.Label}: {prediction.Probability:p1}");
/// </code>
/// <para>
/// Open models that you trust: what a model computes, ONNX Runtime does, in native code. What surrounds it, this library reads within
/// bounds.
/// </para>
/// </remarks>
public sealed class ResNetPredictor : IDisposable
{
    private readonly ServedNetwork _network;
    private readonly Shared<ServedNetwork> _callers;
    private readonly ImageDecoder _decoder;
    private readonly KeptNetwork _kept;
    private int _isDisposed;

    private ResNetPredictor(ServedNetwork network, ResNetPredictorOptions options, Func<ResNetWeights>? readWeights)
    {
        (_network, _callers, _kept) = (network, new Shared<ServedNetwork>(network), new KeptNetwork(readWeights, options));
        _decoder = new ImageDecoder(options.MaxImagePixels, options.ApplyExifOrientation);
    }

    /// <summary>Gets the names of the classes.</summary>
    /// <value>In the order of the network's outputs; empty for a network without a head, which gives features only.</value>
    public ImmutableArray<string> ClassNames => _network.ClassNames;

    /// <summary>Gets how pixels become the network's input.</summary>
    /// <value>Images are resized and cropped so before they are scored.</value>
    public ImagePreprocessing Preprocessing => _network.Preprocessing;

    /// <summary>Gets the name of the network.</summary>
    /// <value>As <see cref="ResNetArchitecture.Name"/>; <see langword="null"/> where the file does not say it.</value>
    public string? ArchitectureName => _network.ArchitectureName;

    /// <summary>Gets what is known of how the network was trained.</summary>
    /// <value><see langword="null"/> for a network that was not trained by this library.</value>
    /// <exception cref="InvalidDataException">The file has a damaged one, which is read when it is first asked for.</exception>
    public ModelCard? Card => _network.Card;

    /// <summary>Gets the number of features that the network computes of an image.</summary>
    /// <value>64 for the CIFAR networks, 512 for ResNet-18 and 34, 2048 for ResNet-50 and deeper ones.</value>
    public int FeatureCount => _network.FeatureCount;

    /// <summary>Opens a model, as the file says and with the defaults.</summary>
    /// <inheritdoc cref="Load(string, ResNetPredictorOptions)"/>
    public static ResNetPredictor Load(string path) => Load(path, new ResNetPredictorOptions());

    /// <summary>Opens a model.</summary>
    /// <remarks>
    /// A <c>model.zip</c> that ML.NET saved is run as it is, quantized or not; stages of its pipeline other than the network are left out.
    /// Of the other files that <see cref="ResNetWeights.Load"/> reads, it takes those that say which network they are of, and how pixels
    /// become its input: what <see cref="ResNetWeights.Save"/> and <see cref="ResNetClassificationTransformer.ExportOnnx(string)"/> write.
    /// For others, the options say it.
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="options">How to open it, and how to read images.</param>
    /// <returns>The predictor, to be disposed of.</returns>
    /// <exception cref="InvalidDataException">The file holds no such model, or is damaged; the message says what was found.</exception>
    /// <exception cref="ArgumentException">The file does not say enough, and neither do the options, or they do not fit it.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a folder, a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="DllNotFoundException">The application has no ONNX Runtime.</exception>
    public static ResNetPredictor Load(string path, ResNetPredictorOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        using var file = RegularFile.OpenRead(path);
        return new ResNetPredictor(ServedNetwork.Open(file, path, options), options, () => ResNetWeights.Load(path));
    }

    /// <summary>Opens a model in a stream, such as one that was fetched from a store.</summary>
    /// <param name="model">What the file has; it can be sought in, and is read from its start. It stays the caller's.</param>
    /// <param name="options"><inheritdoc cref="Load(string, ResNetPredictorOptions)" path="/param[@name='options']"/></param>
    /// <returns>The predictor, to be disposed of.</returns>
    /// <exception cref="InvalidDataException">The stream holds no such model.</exception>
    /// <exception cref="ArgumentException">The stream cannot be sought in, or does not say enough.</exception>
    public static ResNetPredictor Load(Stream model, ResNetPredictorOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (!model.CanSeek)
        {
            throw new ArgumentException("The stream cannot be sought in. Copy it to a MemoryStream or to a file.", nameof(model));
        }

        model.Position = 0;
        return new ResNetPredictor(ServedNetwork.Open(model, "stream", options), options, readWeights: null);
    }

    /// <summary>Makes a predictor of weights.</summary>
    /// <param name="weights">The weights: <see cref="ResNetWeights.Load"/>.</param>
    /// <param name="options">What the weights do not say; null for the defaults.</param>
    /// <returns>The predictor, to be disposed of.</returns>
    /// <exception cref="ArgumentException">
    /// The weights do not fit the architecture or the class names, or nothing says which architecture it is or how to preprocess.
    /// </exception>
    public static ResNetPredictor Create(ResNetWeights weights, ResNetPredictorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        options ??= new ResNetPredictorOptions();
        options.Validate();
        return new ResNetPredictor(ServedNetwork.Of(weights, options), options, () => weights);
    }

    /// <summary>Classifies an image file.</summary>
    /// <param name="path">A JPEG, PNG, WebP, GIF or BMP file; of an animation the first image.</param>
    /// <returns>The classes and their probabilities.</returns>
    /// <exception cref="InvalidDataException">The file is no image, is damaged, ends too early or has too many pixels.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a pipe or a device.</exception>
    /// <exception cref="InvalidOperationException">The network has no head.</exception>
    /// <exception cref="ObjectDisposedException">The predictor has been disposed of.</exception>
    public ResNetPrediction Predict(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var image = _decoder.Load(path);
        return Predict(image, path);
    }

    /// <summary>Classifies an image in a stream.</summary>
    /// <param name="image">The content of an image file, from where the stream stands to its end. It stays the caller's.</param>
    /// <returns>The classes and their probabilities.</returns>
    /// <exception cref="InvalidDataException">The content is no image, is damaged, ends too early or has too many pixels.</exception>
    public ResNetPrediction Predict(Stream image)
    {
        using var decoded = Decode(image);
        return Predict(decoded, path: null);
    }

    /// <summary>Classifies an image in memory.</summary>
    /// <param name="image">The content of an image file.</param>
    /// <returns>The classes and their probabilities.</returns>
    /// <exception cref="InvalidDataException">The content is no image, is damaged, ends too early or has too many pixels.</exception>
    public ResNetPrediction Predict(ReadOnlyMemory<byte> image)
    {
        using var decoded = _decoder.Decode(image.Span);
        return Predict(decoded, path: null);
    }

    /// <summary>Classifies a decoded image.</summary>
    /// <param name="image">The image, of any size. It stays the caller's, and is not changed.</param>
    /// <returns>The classes and their probabilities.</returns>
    public ResNetPrediction Predict(MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Predict(image, path: null);
    }

    /// <summary>Classifies image files, however many: they are read when their results are asked for.</summary>
    /// <remarks>
    /// Images are decoded on all cores and scored in batches. Memory is bounded: it holds the pixels of one turn, at most 64 MB, and an
    /// image for each core. Results come in the order of the paths.
    /// </remarks>
    /// <param name="paths">The files. It is read as results are, not at once; it may go on without end.</param>
    /// <param name="skipBadImage">
    /// Told of each file that cannot be read, and why; the rest go on. Null to stop at the first, with an exception that names it.
    /// </param>
    /// <param name="cancellationToken">Stops the enumeration between two images.</param>
    /// <returns>A result for each file but those that were skipped. Each enumeration reads and scores anew.</returns>
    /// <exception cref="InvalidOperationException">The network has no head.</exception>
    public IEnumerable<ResNetPrediction> PredictMany(
        IEnumerable<string> paths, Action<string, Exception>? skipBadImage = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        CheckHead();
        return new ImageBatches(_network, _decoder).Run(
            paths, skipBadImage, Enter, (path, features) => Classify(features.Span, path), cancellationToken);
    }

    /// <summary>Classifies all image files below a folder, in the order of their paths; it stops at one that cannot be read.</summary>
    /// <inheritdoc cref="PredictMany(IEnumerable{string}, Action{string, Exception}?, CancellationToken)" path="/remarks"/>
    /// <param name="folder">The folder; images are looked for at any depth.</param>
    /// <returns>A result for each file.</returns>
    /// <exception cref="InvalidOperationException">The folder has no images, or the network has no head.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public IEnumerable<ResNetPrediction> PredictMany(string folder) => PredictMany(folder, skipBadImage: null);

    /// <summary>Classifies all image files below a folder, in the order of their paths.</summary>
    /// <inheritdoc cref="PredictMany(IEnumerable{string}, Action{string, Exception}?, CancellationToken)" path="/remarks"/>
    /// <param name="folder">The folder; images are looked for at any depth.</param>
    /// <param name="skipBadImage">
    /// Told of each file that cannot be read, and why; the rest go on. Null to stop at the first, with an exception that names it.
    /// </param>
    /// <returns>A result for each file but those that were skipped.</returns>
    /// <exception cref="InvalidOperationException">The folder has no images, or the network has no head.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public IEnumerable<ResNetPrediction> PredictMany(string folder, Action<string, Exception>? skipBadImage)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return PredictMany(ImageFolder.FilesBelow(folder), skipBadImage);
    }

    /// <summary>Computes the features of an image file: what the network's last layer reads.</summary>
    /// <remarks>Two images that look alike to the network have features that point the same way: <see cref="SimilarImages"/>.</remarks>
    /// <param name="path">A JPEG, PNG, WebP, GIF or BMP file; of an animation the first image.</param>
    /// <returns>As many values as <see cref="FeatureCount"/> says.</returns>
    /// <exception cref="InvalidDataException">The file is no image, is damaged, ends too early or has too many pixels.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a pipe or a device.</exception>
    public float[] Embed(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var image = _decoder.Load(path);
        return Embed(image);
    }

    /// <summary>Computes the features of an image in a stream.</summary>
    /// <param name="image">The content of an image file, from where the stream stands to its end. It stays the caller's.</param>
    /// <returns>As many values as <see cref="FeatureCount"/> says.</returns>
    /// <exception cref="InvalidDataException">The content is no image, is damaged, ends too early or has too many pixels.</exception>
    public float[] Embed(Stream image)
    {
        using var decoded = Decode(image);
        return Embed(decoded);
    }

    /// <summary>Computes the features of an image in memory.</summary>
    /// <param name="image">The content of an image file.</param>
    /// <returns>As many values as <see cref="FeatureCount"/> says.</returns>
    /// <exception cref="InvalidDataException">The content is no image, is damaged, ends too early or has too many pixels.</exception>
    public float[] Embed(ReadOnlyMemory<byte> image)
    {
        using var decoded = _decoder.Decode(image.Span);
        return Embed(decoded);
    }

    /// <summary>Computes the features of a decoded image.</summary>
    /// <param name="image">The image, of any size. It stays the caller's, and is not changed.</param>
    /// <returns>As many values as <see cref="FeatureCount"/> says.</returns>
    public float[] Embed(MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var entered = Enter();
        var pixels = ArrayPool<byte>.Shared.Rent(_network.ImageSize);
        try
        {
            var features = new float[_network.FeatureCount];
            _network.ReadPixels(image, pixels.AsSpan(0, _network.ImageSize));
            _network.Run(pixels.AsMemory(0, _network.ImageSize), features);
            return features;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(pixels);
        }
    }

    /// <summary>
    /// Computes the features of image files, however many, as <see cref="PredictMany(IEnumerable{string}, Action{string, Exception}?,
    /// CancellationToken)"/> classifies them.
    /// </summary>
    /// <param name="paths">The files. It is read as results are, not at once; it may go on without end.</param>
    /// <param name="skipBadImage">
    /// Told of each file that cannot be read, and why; the rest go on. Null to stop at the first, with an exception that names it.
    /// </param>
    /// <param name="cancellationToken">Stops the enumeration between two images.</param>
    /// <returns>The features of each file but those that were skipped, in the order of the paths.</returns>
    public IEnumerable<ImageEmbedding> EmbedMany(
        IEnumerable<string> paths, Action<string, Exception>? skipBadImage = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return new ImageBatches(_network, _decoder).Run(
            paths, skipBadImage, Enter, (path, features) => new ImageEmbedding(path, features.ToArray()), cancellationToken);
    }

    /// <summary>
    /// Computes the features of all image files below a folder, in the order of their paths; it stops at one that cannot be read.
    /// </summary>
    /// <param name="folder">The folder; images are looked for at any depth.</param>
    /// <returns>The features of each file.</returns>
    /// <exception cref="InvalidOperationException">The folder has no images.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public IEnumerable<ImageEmbedding> EmbedMany(string folder) => EmbedMany(folder, skipBadImage: null);

    /// <summary>Computes the features of all image files below a folder, in the order of their paths.</summary>
    /// <param name="folder">The folder; images are looked for at any depth.</param>
    /// <param name="skipBadImage">
    /// Told of each file that cannot be read, and why; the rest go on. Null to stop at the first, with an exception that names it.
    /// </param>
    /// <returns>The features of each file but those that were skipped.</returns>
    /// <exception cref="InvalidOperationException">The folder has no images.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public IEnumerable<ImageEmbedding> EmbedMany(string folder, Action<string, Exception>? skipBadImage)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return EmbedMany(ImageFolder.FilesBelow(folder), skipBadImage);
    }

    /// <summary>Gets the network's weights, with all that its file says about them.</summary>
    /// <remarks>A predictor does not keep them: the file that it was loaded from is read again, and must be there still.</remarks>
    /// <returns>The weights, to be trained on or looked into.</returns>
    /// <exception cref="InvalidOperationException">The predictor was loaded from a stream.</exception>
    /// <exception cref="InvalidDataException">The network is quantized: its file holds integers.</exception>
    /// <exception cref="IOException">The file cannot be read any more.</exception>
    public ResNetWeights LoadWeights() => _kept.LoadWeights();

    /// <summary>Makes the network a stage of ML.NET's pipelines again: to score a view, to export, to report on, or to look into.</summary>
    /// <param name="mlContext">The context that it shall belong to.</param>
    /// <param name="imageColumnName">The column of images that it will read.</param>
    /// <returns>
    /// The classifier, to be disposed of: as one that <see cref="ResNetScoringEstimator"/> makes, with the model card that the file has.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The network has no head, or is none of the library's own, and its architecture was not among the predictor's options.
    /// </exception>
    /// <inheritdoc cref="LoadWeights" path="/exception"/>
    public ResNetClassificationTransformer ToTransformer(MLContext mlContext, string imageColumnName = "Image")
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        ArgumentException.ThrowIfNullOrWhiteSpace(imageColumnName);
        CheckHead();
        return _kept.ToTransformer(mlContext, ClassNames, imageColumnName);
    }

    /// <summary>Writes the whole network, its preprocessing and its head as an ONNX model, for any ONNX runtime.</summary>
    /// <param name="path">The file to write; an existing one is replaced, once the new one is whole.</param>
    /// <param name="options">The form of input, output and weights; null for the defaults.</param>
    /// <inheritdoc cref="ToTransformer" path="/exception"/>
    public void ExportOnnx(string path, OnnxExportOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var network = ToTransformer(new MLContext());
        network.ExportOnnx(path, options ?? new OnnxExportOptions());
    }

    /// <summary>Releases ONNX Runtime's session. Calls that are under way are answered first.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _callers.Leave();
        }
    }

    private ResNetPrediction Predict(MLImage image, string? path)
    {
        CheckHead();
        return Classify(Embed(image), path);
    }

    private ResNetPrediction Classify(ReadOnlySpan<float> features, string? path) =>
        new(ClassNames, _network.Head!.Apply(features), path, _network.UnknownThreshold);

    private MLImage Decode(Stream image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var content = new MemoryStream();
        image.CopyTo(content);
        return _decoder.Decode(content.GetBuffer().AsSpan(0, (int)content.Length));
    }

    private void CheckHead()
    {
        if (_network.Head is null)
        {
            throw new InvalidOperationException(
                "The network has no head, so it cannot classify: it was saved by ResNetFeaturizeImage, or its weights have none. "
                + "Use Embed.");
        }
    }

    private Caller Enter()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0 || !_callers.TryEnter(), this);
        return new Caller(_callers);
    }

    private sealed class Caller(Shared<ServedNetwork> network) : IDisposable
    {
        public void Dispose() => network.Leave();
    }
}
