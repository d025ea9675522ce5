using System.Collections.Immutable;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>Applies a trained network as a classifier, without any training: it needs no label.</summary>
public sealed class ResNetScoringEstimator : IEstimator<ResNetClassificationTransformer>
{
    private readonly IHostEnvironment _environment; // not a host of it, which would not have its OnnxSessionOptions
    private readonly string _imageColumnName;
    private readonly ResNetModel _network;
    private readonly LabelColumn _label;
    private readonly ScoreColumns _names;

    internal ResNetScoringEstimator(
        IHostEnvironment environment,
        ResNetWeights weights,
        ResNetArchitecture? architecture,
        IEnumerable<string>? classNames,
        string imageColumnName,
        ImagePreprocessing? preprocessing,
        ScoreColumns names)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentException.ThrowIfNullOrWhiteSpace(imageColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(names.Score, "scoreColumnName");
        ArgumentException.ThrowIfNullOrWhiteSpace(names.PredictedLabel, "predictedLabelColumnName");
        if (names.Score == names.PredictedLabel || names.Score == ScoreColumns.Default.PredictedLabel
            || names.PredictedLabel == ScoreColumns.Default.Score)
        {
            throw new ArgumentException(
                $"The columns of scores and predicted labels cannot be named '{names.Score}' and '{names.PredictedLabel}': "
                + "give each a name of its own, and none the usual name of the other.", "scoreColumnName");
        }

        _environment = environment;
        _imageColumnName = imageColumnName;
        _names = names;
        _network = PretrainedNetwork.Classifier(weights, architecture, preprocessing);
        ClassNames = PretrainedNetwork.ClassNames(classNames, weights, _network.Plan.ClassCount);
        _label = PretrainedNetwork.LabelOf(ClassNames, _network.IsMultilabel);
    }

    /// <summary>Gets the names of the classes.</summary>
    /// <value>In the order of the network's outputs.</value>
    public ImmutableArray<string> ClassNames { get; }

    /// <summary>Makes the classifier. No row of the data is read.</summary>
    /// <param name="input">Data with the image column.</param>
    /// <returns>The classifier.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type or size.</exception>
    public ResNetClassificationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var image = ImageColumn.Bind(input.Schema, _imageColumnName, _network.Plan.Input, defaultImageSize: 0);
        return ResNetClassificationTransformer.Create(_environment, input, image, _label, _network, new TrainingHistory(), _names);
    }

    /// <summary>Gets the columns that the classifier will add, and checks the image column.</summary>
    /// <param name="inputSchema">The shape of the data's schema.</param>
    /// <returns>The input's columns, and the scores and predicted labels; and IsUnknown, if the network was trained to have it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ImageColumn.Check(inputSchema, _imageColumnName);
        return OutputColumns.AddTo(inputSchema, _label.ToShape(), _names, hasUnknown: _network.UnknownThreshold is not null);
    }
}
