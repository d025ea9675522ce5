using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>A network as a predictor runs it: ONNX Runtime for the features, and the head. Thread-safe.</summary>
internal sealed class ServedNetwork : IDisposable
{
    // A GIF of one pixel.
    private static readonly byte[] SmallestImage = Convert.FromHexString(
        "47494638396101000100800000000000FFFFFF21F90401000000002C00000000010001000002024401003B");

    // Where it fails, the first image that is asked for says why.
    private static readonly Lazy<Task> Ready = new(static () => Task.Run(GetReady).ContinueWith(
        static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default));

    private readonly ServedSession _session;
    private readonly PlanarPixels _planar;
    private readonly UnreadCard? _card;
    private readonly ImmutableArray<string> _namesInFile;

    private ServedNetwork(ServedGraph graph, LargeMemory weights, ResNetWeights metadata, ServedHead? head, int? threads)
    {
        Head = head;
        Preprocessing = metadata.Preprocessing!;
        ArchitectureName = metadata.ArchitectureName;
        (_card, _namesInFile) = (graph.Card, metadata.ClassNames);
        UnknownThreshold = PretrainedNetwork.UnknownThreshold(graph.Card?.UnknownThreshold);
        FeatureCount = (int)graph.Output.Shape[1]!.Value;
        ClassNames = head is null ? [] : PretrainedNetwork.ClassNames(null, metadata, head.ClassCount);
        _planar = new PlanarPixels(Preprocessing);
        _session = new ServedSession(graph, weights, threads);
    }

    public ImagePreprocessing Preprocessing { get; }

    public string? ArchitectureName { get; }

    /// <summary>Gets how the network was trained; null where the file does not say it. It is read now.</summary>
    /// <exception cref="InvalidDataException">What the file says is no card.</exception>
    public ModelCard? Card => _card is null ? null : _card.Read() with { ClassNames = _namesInFile };

    /// <summary>Gets the probability that some class must be above, for an image to be of a class; null where there is no rule.</summary>
    public float? UnknownThreshold { get; }

    public ImmutableArray<string> ClassNames { get; }

    public int FeatureCount { get; }

    /// <summary>Gets the last layer; null for a network that has none.</summary>
    public ServedHead? Head { get; }

    /// <summary>Gets the number of bytes of an image's pixels.</summary>
    public int ImageSize => _planar.Size;

    /// <inheritdoc cref="ServedSession.Improvement"/>
    public Task<bool> Improvement => _session.Improvement;

    /// <summary>Opens a file: an ML.NET model as it is, quantized or not; others by their weights.</summary>
    /// <param name="stream">A seekable stream.</param>
    /// <param name="name">What to call it where it is refused.</param>
    /// <param name="options">How to open it.</param>
    public static ServedNetwork Open(Stream stream, string name, ResNetPredictorOptions options)
    {
        Span<byte> buffer = stackalloc byte[WeightsFormats.LookAt];
        var start = buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        stream.Position = 0;
        if (WeightsFormats.Recognize(start, stream.Length) == WeightsFormat.Zip && !options.AsksForWeights)
        {
            try
            {
                var allowance = new MemoryAllowance(stream.Length, MemoryAllowance.Default);
                using var archive = BoundedArchive.Open(stream, allowance);
                if (ModelZip.Holds(archive))
                {
                    return Open(archive, allowance, options);
                }
            }
            catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
            {
                var found = exception is InvalidDataException ? exception.Message.TrimEnd('.') : "it is damaged or cut short";
                throw new InvalidDataException($"Model '{name}' cannot be opened: {found}.", exception);
            }

            stream.Position = 0;
        }

        return Of(WeightsFile.Read(stream, name), options);
    }

    /// <summary>Makes one of weights that say, or options that add, what network they are of and how pixels become its input.</summary>
    public static ServedNetwork Of(ResNetWeights weights, ResNetPredictorOptions options)
    {
        var hasHead = weights.TryGet(LayerPlan.HeadWeight, out _);
        var network = hasHead
            ? PretrainedNetwork.Classifier(weights, options.Architecture, options.Preprocessing)
            : PretrainedNetwork.Featurizer(weights, options.Architecture, options.Preprocessing);
        if (network.Preprocessing.Input.Channels is not (1 or 3))
        {
            throw new ArgumentException(
                $"The network reads images of {network.Preprocessing.Input.Channels} channels, "
                + "but image files are read as 3 channels (colour) or 1 (grey). Predict with ApplyResNet, on vectors of pixels.",
                nameof(weights));
        }

        IEnumerable<string>? asked = options.ClassNames.IsDefaultOrEmpty ? null : options.ClassNames;
        ImmutableArray<string> names = hasHead ? PretrainedNetwork.ClassNames(asked, weights, network.Plan.ClassCount) : [];
        return Of(network, names, options);
    }

    /// <summary>Makes one of a network.</summary>
    /// <param name="network">The network, quantized or not.</param>
    /// <param name="classNames">The names of its classes; none for a network without a head.</param>
    /// <param name="options">How to run it.</param>
    public static ServedNetwork Of(ResNetModel network, ImmutableArray<string> classNames, ResNetPredictorOptions options)
    {
        using var file = new TemporaryFile("network.onnx");
        using var stream = new FileStream(file.Path, FileMode.Create, FileAccess.ReadWrite);
        OnnxGraphWriter.Featurizer(
            network, OnnxElementType.UInt8, "pixels", "features", NetworkMetadata.Of(network, classNames), anyBatch: true).WriteTo(stream);
        stream.Position = 0;
        var head = classNames.IsEmpty ? null : ServedHead.Of(network.Weights, network.IsMultilabel);
        var builder = new WeightsBuilder(new MemoryAllowance(stream.Length, MemoryAllowance.Default));
        return Create(stream, stream.Length, builder, options, _ => head);
    }

    /// <summary>Reads an image's pixels.</summary>
    public void ReadPixels(MLImage image, Span<byte> planar) => _planar.Read(image, planar);

    /// <summary>Computes the features of images.</summary>
    /// <param name="pixels">Their pixels, one image after another.</param>
    /// <param name="features">Room for their features, one image after another.</param>
    public void Run(Memory<byte> pixels, Span<float> features)
    {
        var (height, width) = Preprocessing.ResizeTo;
        using var tensor = OrtValue.CreateTensorValueFromMemory(
            OrtMemoryInfo.DefaultInstance, pixels, [pixels.Length / ImageSize, Preprocessing.Input.Channels, height, width]);
        _session.Run(tensor, features);
    }

    public void Dispose() => _session.Dispose();

    private static ServedNetwork Open(BoundedArchive archive, MemoryAllowance allowance, ResNetPredictorOptions options)
    {
        var builder = new WeightsBuilder(allowance);
        ModelZip.ReadHead(builder, archive);
        using var stream = ModelZip.OpenNetwork(archive, out var length);
        return Create(stream, length, builder, options, weights => ServedHead.Of(weights, ModelZip.HasOwnGraph(archive)));
    }

    private static ServedNetwork Create(
        Stream graphFile, long length, WeightsBuilder builder, ResNetPredictorOptions options, Func<ResNetWeights, ServedHead?> headOf)
    {
        // Both take some tenths of a second, for which a second core has time while the graph is read and the session made.
        _ = Ready.Value;
        var runtime = Task.Run(static () =>
        {
            ScoringPrerequisites.CheckRuntime();
            new SessionOptions().Dispose();
        });
        LargeMemory? weights = null;
        try
        {
            weights = new LargeMemory(ServedGraph.RoomFor(length));
            var graph = ServedGraph.Read(graphFile, length, weights, ServedSession.WeightsName, builder);
            var metadata = builder.BuildMetadata();
            Check(graph, metadata);
            runtime.GetAwaiter().GetResult();
            return new ServedNetwork(graph, weights, metadata, headOf(metadata), options.Threads);
        }
        catch (OnnxRuntimeException exception)
        {
            weights?.Dispose();
            throw new InvalidDataException($"ONNX Runtime cannot run its network: {exception.Message.TrimEnd('.')}", exception);
        }
        catch
        {
            weights?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads an image that nobody asked for, and multiplies two vectors: the first one of a process loads SkiaSharp, and has the way from a
    /// file to pixels compiled; the first product is compiled for the processor's widest vectors.
    /// </summary>
    internal static void GetReady()
    {
        ServedHead.GetReady();
        var planar = new PlanarPixels(new ImagePreprocessing(new ImageShape(3, 2, 2), [0, 0, 0], [1, 1, 1]));
        using var image = new ImageDecoder().Decode(SmallestImage);
        planar.Read(image, new byte[planar.Size]);
    }

    private static void Check(ServedGraph graph, ResNetWeights metadata)
    {
        if (graph.Input.ElementType != OnnxElementType.UInt8)
        {
            throw new InvalidDataException(
                "its network was trained on vectors of floats, and how images become those only the program knows that made them. "
                + "Predict with mlContext.Model.Load, or train on a column of images");
        }

        var preprocessing = metadata.Preprocessing
            ?? throw new InvalidDataException("it does not say how images become the network's input");
        var (height, width) = preprocessing.ResizeTo;
        if (graph.Input.Shape is not [null, var channels, var rows, var columns]
            || (channels, rows, columns) != (preprocessing.Input.Channels, height, width) || preprocessing.Input.Channels is not (1 or 3))
        {
            throw new InvalidDataException(
                $"its network reads pixels of {string.Join('×', graph.Input.Shape.Skip(1))}, but its preprocessing makes "
                + $"{preprocessing.Input.Channels}×{height}×{width} of images, of 1 or 3 channels");
        }

        if (metadata.TryGet(LayerPlan.HeadWeight, out var head) && head.Shape[1] != graph.Output.Shape[1])
        {
            throw new InvalidDataException(
                $"its head reads {head.Shape[1]:n0} features, but its network computes {graph.Output.Shape[1]:n0}");
        }
    }
}
