using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Adds a network's pooled features, a vector of floats. Like the classifier, it is a chain of ML.NET's own transformers, saves as one, and
/// scores rows in batches; photographs one by one, but several at once.
/// </summary>
public sealed class ResNetFeaturizingTransformer : ITransformer, IDisposable
{
    // From so many pixels on a batch gains nothing: an image alone keeps the cores busy. ML.NET then reads and scores rows on all cores,
    // where a batch waits for its images to be decoded, and then lets them wait.
    private const int LargeInput = 128 * 128;

    private readonly IHostEnvironment _environment;
    private readonly OnnxBackedChain _chain;
    private readonly TransformerChain<ITransformer>? _rowByRow;

    private ResNetFeaturizingTransformer(
        IHostEnvironment environment, OnnxBackedChain chain, TransformerChain<ITransformer>? rowByRow, ResNetModel network)
    {
        _environment = environment;
        _chain = chain;
        _rowByRow = rowByRow;
        Plan = network.Plan;
        Preprocessing = network.Preprocessing;
    }

    /// <summary>Gets the network's layers.</summary>
    /// <value>The features are the input of its head.</value>
    public LayerPlan Plan { get; }

    /// <summary>Gets how pixels become the network's input.</summary>
    /// <value>Part of the ONNX graph, and of what is saved.</value>
    public ImagePreprocessing Preprocessing { get; }

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => _chain.GetOutputSchema(inputSchema);

    /// <inheritdoc/>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (_rowByRow is null)
        {
            return _chain.Transform(input);
        }

        _chain.GetOutputSchema(input.Schema); // says what is wrong with the image column
        return _rowByRow.Transform(LoadedImages.Bounded(_environment, input));
    }

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => _chain.GetRowToRowMapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => _chain.Save(ctx);

    /// <summary>Releases the ONNX Runtime session and deletes the temporary file. Models saved before keep working.</summary>
    public void Dispose() => _chain.Dispose();

    internal static ResNetFeaturizingTransformer Create(
        IHostEnvironment environment, IDataView input, ImageColumn image, ResNetModel network, string outputColumn)
    {
        network = network.For(image);
        TransformerChain<ITransformer>? stages = null;
        var chain = OnnxBackedChain.Build(
            environment,
            image,
            network,
            onnxFile => stages = ScoringChain.Featurizer(environment, input, image, network, outputColumn, onnxFile));
        var isLarge = image.Source == PixelSource.Image && image.Shape.Height * image.Shape.Width >= LargeInput;
        return new ResNetFeaturizingTransformer(environment, chain, isLarge ? stages : null, network);
    }
}
