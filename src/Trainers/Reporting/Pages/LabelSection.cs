using System.Globalization;
using System.Xml.Linq;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>How a network tells the labels of images that have any number of them.</summary>
internal static class LabelSection
{
    /// <summary>The few numbers that matter most.</summary>
    public static XElement CreateSummary(MultilabelMetrics metrics) => ReportPage.Section("results", "Results",
        Element("dl", Class("tiles"),
            SummarySection.Tile("Mean average precision", Percent(metrics.MeanAveragePrecision), "mean over labels"),
            SummarySection.Tile("Macro F1", Percent(metrics.MacroF1Score), "mean over labels"),
            SummarySection.Tile("Micro F1", Percent(metrics.MicroF1Score), "all labels together"),
            SummarySection.Tile("Exact match", Percent(metrics.ExactMatchRatio), $"of {Count(metrics.ImageCount)} images"),
            SummarySection.Tile("Hamming loss", Percent(metrics.HammingLoss), "of all labels are wrong"),
            SummarySection.Tile("Log-loss", Loss(metrics.LogLoss), "nats, all labels of an image")),
        Element("p", Class("note"), "A label counts as predicted where its probability is above one half."));

    /// <summary>How each label fares.</summary>
    public static XElement Create(MultilabelMetrics metrics) => ReportPage.Section("labels", "Labels",
        Table(
            "The hardest first, by average precision: the mean precision at the ranks of the images that have the label.",
            ["Label", "Average precision", "Area under ROC", "Precision", "Recall", "F1", "Images"],
            metrics.PerLabel.OrderBy(each => each.Support == 0).ThenBy(each => each.AveragePrecision).Select(each => (object?[])
            [
                each.Name,
                Share(each.AveragePrecision, isKnown: each.Support > 0),
                double.IsNaN(each.AreaUnderRocCurve) ? "–" : each.AreaUnderRocCurve.ToString("0.000", CultureInfo.InvariantCulture),
                Share(each.Precision, isKnown: each.Predicted > 0),
                Share(each.Recall, isKnown: each.Support > 0),
                Share(each.F1Score, isKnown: each.Support > 0),
                Count(each.Support),
            ])));

    private static XElement Share(double share, bool isKnown) =>
        isKnown ? BarCell(share, Percent(share)) : Element("td", Class("zero"), "–");
}
