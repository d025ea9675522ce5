using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>Turns images into a trained network's pooled features, for any other trainer: SDCA, LightGBM, k-means, PCA.</summary>
public sealed class ResNetFeaturizingEstimator : IEstimator<ResNetFeaturizingTransformer>
{
    private readonly IHostEnvironment _environment; // not a host of it, which would not have its OnnxSessionOptions
    private readonly string _outputColumnName;
    private readonly string _imageColumnName;
    private readonly ResNetModel _network;

    internal ResNetFeaturizingEstimator(
        IHostEnvironment environment,
        ResNetWeights weights,
        ResNetArchitecture? architecture,
        string imageColumnName,
        ImagePreprocessing? preprocessing,
        string outputColumnName)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentException.ThrowIfNullOrWhiteSpace(imageColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        _environment = environment;
        _outputColumnName = outputColumnName;
        _imageColumnName = imageColumnName;
        _network = PretrainedNetwork.Featurizer(weights, architecture, preprocessing);
    }

    /// <summary>Makes the featurizer. No row of the data is read.</summary>
    /// <param name="input">Data with the image column.</param>
    /// <returns>The featurizer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type or size.</exception>
    public ResNetFeaturizingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var image = ImageColumn.Bind(input.Schema, _imageColumnName, _network.Plan.Input, defaultImageSize: 0);
        return ResNetFeaturizingTransformer.Create(_environment, input, image, _network, _outputColumnName);
    }

    /// <summary>Gets the columns that the featurizer will add, and checks the image column.</summary>
    /// <param name="inputSchema">The shape of the data's schema.</param>
    /// <returns>The input's columns and the features, a vector of floats of a known size.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ImageColumn.Check(inputSchema, _imageColumnName);
        return OutputColumns.AddFeatures(inputSchema, _outputColumnName);
    }
}
