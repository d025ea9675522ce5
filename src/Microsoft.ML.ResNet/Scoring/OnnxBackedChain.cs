using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>A chain of stock transformers with the temporary file that its ONNX stage reads; what our transformers delegate to.</summary>
internal sealed class OnnxBackedChain : IDisposable
{
    // From so many pixels on, an image alone keeps ONNX Runtime busy, and a batch gains nothing: ML.NET then decodes and scores several
    // rows at once, each on a core of its own, and nobody waits until a batch is decoded.
    private const int LargeImage = 128 * 128;

    private readonly IHostEnvironment _environment;
    private readonly ImageColumn _image;
    private readonly TransformerChain<ITransformer> _chain;
    private readonly TemporaryFile _onnxFile;
    private readonly TemporaryFile? _headFile; // null where the head is ML.NET's own
    private readonly ResNetModel _network;
    private readonly bool _inBatches;
    private readonly Lazy<NetworkSession> _bulk;

    private OnnxBackedChain(
        IHostEnvironment environment,
        ImageColumn image,
        ResNetModel network,
        TransformerChain<ITransformer> chain,
        TemporaryFile onnxFile,
        TemporaryFile? headFile)
    {
        _environment = environment;
        _image = image;
        _network = network;
        _chain = chain;
        (_onnxFile, _headFile) = (onnxFile, headFile);
        var (height, width) = network.Preprocessing.ResizeTo;
        _inBatches = environment.GetGpuDeviceId() is null // on a GPU, only OnnxTransformer's session is
            && (image.Source != PixelSource.Image || height * width < LargeImage);
        _bulk = new Lazy<NetworkSession>(() => new NetworkSession(
            environment,
            OnnxGraphWriter.Featurizer(network, OnnxGraphWriter.PixelTypeOf(image), "pixels", "features", [], anyBatch: true)));
    }

    /// <summary>Builds a chain around temporary files, for the network and for its head, and deletes them if that fails.</summary>
    public static OnnxBackedChain Build(
        IHostEnvironment environment, ImageColumn image, ResNetModel network, Func<string, string?, TransformerChain<ITransformer>> build)
    {
        ScoringPrerequisites.Check();
        var onnxFile = new TemporaryFile("network.onnx");
        var headFile = network.IsMultilabel ? new TemporaryFile("head.onnx") : null;
        try
        {
            return new OnnxBackedChain(environment, image, network, build(onnxFile.Path, headFile?.Path), onnxFile, headFile);
        }
        catch
        {
            onnxFile.Dispose();
            headFile?.Dispose();
            throw;
        }
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _image.CheckSame(inputSchema);
        return _chain.GetOutputSchema(inputSchema);
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _image.CheckSame(input.Schema);
        return Apply(_chain, _image.Source == PixelSource.Image ? LoadedImages.Bounded(_environment, input) : input);
    }

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _image.CheckSame(inputSchema);
        return ((ITransformer)_chain).GetRowToRowMapper(inputSchema);
    }

    // Everything saved is the chain's: nothing may be written before or after it.
    public void Save(ModelSaveContext context) => ((ICanSaveModel)_chain).Save(context);

    public void Dispose()
    {
        if (_bulk.IsValueCreated)
        {
            _bulk.Value.Dispose();
        }

        _chain.Dispose();
        _onnxFile.Dispose();
        _headFile?.Dispose();
    }

    private IDataView Apply(ITransformer stage, IDataView input) => stage switch
    {
        TransformerChain<ITransformer> chain => chain.Aggregate(input, (view, each) => Apply(each, view)), // chains are nested
        OnnxTransformer when _inBatches && !ScoringChain.HasFeatures(input.Schema) => InBatches(input, stage.Transform(input)),
        _ => stage.Transform(input),
    };

    private IDataView InBatches(IDataView pixels, IDataView rowByRow) => _image.Source == PixelSource.FloatVector
        ? new BulkView<float>(pixels, rowByRow, _network.Preprocessing, _bulk)
        : new BulkView<byte>(pixels, rowByRow, _network.Preprocessing, _bulk);
}
