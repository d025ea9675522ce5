using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Adds a network's pooled features, a vector of floats. Like the classifier, it is a chain of ML.NET's own transformers, saves as one, and
/// scores small images in batches, photographs one by one on all cores.
/// </summary>
public sealed class ResNetFeaturizingTransformer : ITransformer, IDisposable
{
    private readonly OnnxBackedChain _chain;

    private ResNetFeaturizingTransformer(OnnxBackedChain chain, ResNetModel network)
    {
        _chain = chain;
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
    public IDataView Transform(IDataView input) => _chain.Transform(input);

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => _chain.GetRowToRowMapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => _chain.Save(ctx);

    /// <summary>Releases the ONNX Runtime session and deletes the temporary file. Models saved before keep working.</summary>
    public void Dispose() => _chain.Dispose();

    internal static ResNetFeaturizingTransformer Create(
        IHostEnvironment environment, IDataView input, ImageColumn image, ResNetModel network, string outputColumn)
    {
        network = network.For(image);
        var chain = OnnxBackedChain.Build(
            environment,
            image,
            network,
            (onnxFile, _) => ScoringChain.Featurizer(environment, input, image, network, outputColumn, onnxFile));
        return new ResNetFeaturizingTransformer(chain, network);
    }
}
