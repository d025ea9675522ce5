using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>The network behind a predictor as training left it, which a predictor itself does not keep in memory.</summary>
/// <param name="readWeights">Reads the weights again; null where nothing is left to read them from.</param>
/// <param name="options">What the file does not say.</param>
internal sealed class KeptNetwork(Func<ResNetWeights>? readWeights, ResNetPredictorOptions options)
{
    /// <summary>Reads the weights.</summary>
    /// <exception cref="InvalidOperationException">The predictor was loaded from a stream.</exception>
    public ResNetWeights LoadWeights() => readWeights is not null
        ? readWeights()
        : throw new InvalidOperationException(
            "The predictor was loaded from a stream, which is not kept: its weights cannot be read again. Load the model from a file.");

    /// <summary>Makes it a stage of ML.NET's pipelines.</summary>
    public ResNetClassificationTransformer ToTransformer(MLContext mlContext, ImmutableArray<string> classNames, string imageColumnName)
    {
        var schema = SchemaDefinition.Create(typeof(ImageRow));
        schema[nameof(ImageRow.Image)].ColumnName = imageColumnName;
        var estimator = new ResNetScoringEstimator(
            mlContext.Transforms.GetEnvironment(),
            LoadWeights(),
            options.Architecture,
            classNames,
            imageColumnName,
            options.Preprocessing,
            ScoreColumns.Default);
        return estimator.Fit(mlContext.Data.LoadFromEnumerable<ImageRow>([], schema));
    }

    /// <summary>What a network reads. The attribute's size is a formality: images have any size.</summary>
    private sealed class ImageRow
    {
        [ImageType(1, 1)]
        public MLImage? Image { get; set; }
    }
}
