using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Evaluation;

namespace Microsoft.ML;

/// <summary>What <see cref="MLContext.MulticlassClassification"/> offers where images have any number of labels.</summary>
public static class MultilabelCatalog
{
    /// <summary>Measures how well labels are told, where an image has any number of them (multilabel classification).</summary>
    /// <remarks>ML.NET's own <c>Evaluate</c> takes one label for each row. All scores are kept in memory: 5 bytes each.</remarks>
    /// <example><code>
    /// var metrics = ml.MulticlassClassification.EvaluateMultilabel(model.Transform(test));
    /// Console.WriteLine($"mAP {metrics.MeanAveragePrecision:0.000}, exact {metrics.ExactMatchRatio:p1}");
    /// </code></example>
    /// <param name="catalog"><see cref="MLContext.MulticlassClassification"/>.</param>
    /// <param name="data">Scored data: what a trained model's Transform returns.</param>
    /// <param name="labelColumnName">The labels: a vector of Booleans, of zeros and ones, or of keys.</param>
    /// <param name="scoreColumnName">The probabilities: a vector of floats, one for each label.</param>
    /// <param name="threshold">The probability above which a label counts as predicted, 0 to 1.</param>
    /// <returns>The metrics, of all labels and of each.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type, the labels are others than the scores', or
    /// the threshold is not from 0 to 1.</exception>
    /// <exception cref="InvalidOperationException">The data has no rows, or a label is neither 0 nor 1.</exception>
    public static MultilabelMetrics EvaluateMultilabel(
        this MulticlassClassificationCatalog catalog,
        IDataView data,
        string labelColumnName = "Label",
        string scoreColumnName = "Score",
        float threshold = 0.5f)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        if (threshold is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(threshold), threshold, $"The threshold is {threshold}, but must be a probability, from 0 to 1.");
        }

        return ScoredLabels.Bind(data.Schema, labelColumnName, scoreColumnName).Measure(data, threshold);
    }
}
