using System.Collections.Immutable;
using Microsoft.ML.ResNet.Evaluation;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How well a network tells the labels of images that have any number of them: what
/// <see cref="MultilabelCatalog.EvaluateMultilabel(MulticlassClassificationCatalog, IDataView, string, string, float)"/> measures.
/// </summary>
public sealed record MultilabelMetrics
{
    internal MultilabelMetrics(ImmutableArray<LabelMetrics> labels, LabelCounts counts)
    {
        PerLabel = labels;
        ImageCount = counts.Images;
        ExactMatchRatio = (double)counts.ExactMatches / counts.Images;
        HammingLoss = (double)counts.WrongLabels / (counts.Images * labels.Length);
        LogLoss = counts.LogLossSum / counts.Images;
        LabelMetrics[] known = [.. labels.Where(label => label.Support > 0)];
        MeanAveragePrecision = known.Length == 0 ? double.NaN : known.Average(label => label.AveragePrecision);
        MacroF1Score = known.Length == 0 ? double.NaN : known.Average(label => label.F1Score);
        MicroF1Score = LabelMetrics.Share(
            2 * labels.Sum(label => label.TruePositives), labels.Sum(label => label.Predicted) + labels.Sum(label => label.Support));
    }

    /// <summary>Gets the number of images.</summary>
    /// <value>At least 1.</value>
    public long ImageCount { get; }

    /// <summary>Gets the metrics of each label.</summary>
    /// <value>In the order of Score.</value>
    public ImmutableArray<LabelMetrics> PerLabel { get; }

    /// <summary>Gets the mean of the labels' average precision (mAP). It does not depend on the threshold.</summary>
    /// <value>0 to 1, over the labels that some image has; not a number where there are none.</value>
    public double MeanAveragePrecision { get; }

    /// <summary>Gets the mean of the labels' F1: every label counts the same, however rare.</summary>
    /// <value>0 to 1, over the labels that some image has; not a number where there are none.</value>
    public double MacroF1Score { get; }

    /// <summary>Gets the F1 of all labels taken together: frequent labels count for more.</summary>
    /// <value>0 to 1.</value>
    public double MicroF1Score { get; }

    /// <summary>Gets the share of the images of which every label is right (subset accuracy).</summary>
    /// <value>0 to 1; it is the accuracy that training reports.</value>
    public double ExactMatchRatio { get; }

    /// <summary>Gets the share of labels that are wrong, of all labels of all images.</summary>
    /// <value>0 to 1; the smaller, the better.</value>
    public double HammingLoss { get; }

    /// <summary>Gets the mean over images of how unlikely their labels were: the sum of the labels' binary cross-entropies.</summary>
    /// <value>In nats; the smaller, the better. It is the loss that training reports for validation images.</value>
    public double LogLoss { get; }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"mAP {MeanAveragePrecision:0.000}, F1 {MacroF1Score:0.000} (macro) and {MicroF1Score:0.000} (micro), exact {ExactMatchRatio:p1}");
}
