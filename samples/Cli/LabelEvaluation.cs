using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>What a test came to where an image has any number of labels.</summary>
/// <param name="Images">The images tested.</param>
/// <param name="Failed">The images that could not be read; they count for nothing else.</param>
/// <param name="Threshold">The probability above which a label is told.</param>
/// <param name="MeanAveragePrecision">The mean over labels of the average precision.</param>
/// <param name="MacroF1">The mean over labels of F1.</param>
/// <param name="MicroF1">F1 of all labels together.</param>
/// <param name="ExactMatches">The share of images of which every label is right.</param>
/// <param name="HammingLoss">The share of labels that are wrong.</param>
/// <param name="LogLoss">The mean over images of how unlikely their labels were, in nats.</param>
/// <param name="Labels">Every label of the network.</param>
internal sealed record LabelEvaluation(
    long Images, int Failed, double Threshold, double MeanAveragePrecision, double MacroF1, double MicroF1, double ExactMatches,
    double HammingLoss, double LogLoss, LabelFigures[] Labels)
{
    public static LabelEvaluation Of(ImmutableArray<string> names, IEnumerable<ScoredLabels> images, double threshold, int failed)
    {
        var ml = new MLContext();
        var schema = SchemaDefinition.Create(typeof(ScoredLabels));
        schema[nameof(ScoredLabels.Label)].ColumnType = new VectorDataViewType(BooleanDataViewType.Instance, names.Length);
        schema[nameof(ScoredLabels.Score)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, names.Length);
        var metrics = ml.MulticlassClassification.EvaluateMultilabel(
            ml.Data.LoadFromEnumerable(images, schema), threshold: (float)threshold);
        return new LabelEvaluation(
            metrics.ImageCount, failed, threshold, metrics.MeanAveragePrecision, metrics.MacroF1Score, metrics.MicroF1Score,
            metrics.ExactMatchRatio, metrics.HammingLoss, metrics.LogLoss,
            [.. names.Zip(metrics.PerLabel, LabelFigures.Of)]);
    }

    public void WriteText(Terminal terminal)
    {
        terminal.WriteTable(["figure", "value"],
        [
            ["images", Images.ToString("n0", CultureInfo.InvariantCulture)],
            ["mean average precision", Number(MeanAveragePrecision)],
            ["F1, mean over labels", Number(MacroF1)],
            ["F1, of all labels", Number(MicroF1)],
            ["images with all labels right", Share(ExactMatches)],
            ["wrong labels", Share(HammingLoss)],
            ["log-loss", Number(LogLoss)],
        ]);
        terminal.WriteTable(["label", "images", "precision", "recall", "F1", "average precision"],
            Labels.Select(each => new[]
            {
                each.Name, each.Images.ToString("n0", CultureInfo.InvariantCulture), Share(each.Precision), Share(each.Recall),
                Number(each.F1), Number(each.AveragePrecision),
            }));
    }

    private static string Number(double value) => double.IsNaN(value) ? "-" : value.ToString("f4", CultureInfo.InvariantCulture);

    private static string Share(double value) => value.ToString("p2", CultureInfo.InvariantCulture);
}

/// <summary>How a label fared.</summary>
/// <param name="Name">The label.</param>
/// <param name="Images">The images that have it.</param>
/// <param name="Precision">The share of the images for which it was told that have it.</param>
/// <param name="Recall">The share of the images that have it for which it was told.</param>
/// <param name="F1">The harmonic mean of both.</param>
/// <param name="AveragePrecision">The area under the curve of both; not a number where no image has the label.</param>
internal sealed record LabelFigures(string Name, long Images, double Precision, double Recall, double F1, double AveragePrecision)
{
    public static LabelFigures Of(string name, LabelMetrics metrics) =>
        new(name, metrics.Support, metrics.Precision, metrics.Recall, metrics.F1Score, metrics.AveragePrecision);
}

/// <summary>The labels of an image, and the probability of each.</summary>
internal sealed class ScoredLabels
{
    public bool[] Label { get; set; } = [];

    public float[] Score { get; set; } = [];
}
