using System.Globalization;
using System.Xml.Linq;
using Microsoft.ML.ResNet.History;
using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>What was trained, and how it went.</summary>
internal static class TrainingSection
{
    private const int ChartWidth = 440;
    private const int ChartHeight = 300;
    private const int ComparisonWidth = 800;
    private const int ComparisonHeight = 440;

    /// <summary>A recipe of this many lines or more is folded: the curves matter more.</summary>
    private const int LongestShownRecipe = 6;

    public static XElement Create(NetworkReport report)
    {
        var history = report.History;
        return ReportPage.Section("training", "Training",
            Element("dl", Class("facts"),
                Fact("Network", report.Architecture),
                Fact("Parameters", Count(report.Parameters)),
                Fact("Multiply-adds per image", Short(report.MultiplyAdds)),
                Fact("Input", report.Input.ToString()),
                history.Epochs.IsEmpty ? null : TrainingFacts(history)),
            report.Recipe is { } recipe ? Recipe(recipe) : null,
            history.StoppedEarly is null ? null : Element("p", Class("warning"), $"Training stopped early: {history.StoppedEarly}"),
            history.Epochs.IsEmpty
                ? Element("p", Class("note"), "This network was not trained here, so there are no curves to show.")
                : Curves(history),
            report.ComparedRuns.IsEmpty ? null : Comparison(report));
    }

    // What the program says about the run. What was in force, the model card at the end tells.
    private static XElement Recipe(string recipe) => recipe.Count(character => character == '\n') < LongestShownRecipe
        ? Element("dl", Class("facts"), Element("div", Element("dt", "Recipe"), Element("dd", Element("pre", recipe))))
        : Element("details", Element("summary", "Recipe"), Element("pre", recipe));

    private static object[] TrainingFacts(TrainingHistory history) =>
    [
        Fact("Training images", Count(history.TrainingImages)),
        Fact("Validation images", Count(history.ValidationImages)),
        .. history.SkippedImages > 0 ? [Fact("Skipped images", Count(history.SkippedImages))] : Array.Empty<XElement>(),
        Fact("Epochs", Count(history.Epochs.Length)),
        Fact("Seed", history.Seed.ToString(CultureInfo.InvariantCulture)),
        .. history.Temperature != 1
            ? [Fact("Calibrated at temperature", history.Temperature.ToString("0.00", CultureInfo.InvariantCulture))]
            : Array.Empty<XElement>(),
        Fact("Training time", Durations.Text(history.ReadingTime + history.Sum(epoch => epoch.Duration))),
    ];

    private static object[] Curves(TrainingHistory history)
    {
        var (first, last) = (history.Epochs[0], history.Epochs[^1]);
        return
        [
            Element("div", Class("charts"),
                Figure.Of(
                    "Loss",
                    $"Cross-entropy by epoch. Training: from {Loss(first.Loss)} to {Loss(last.Loss)}."
                        + $"{(last.ValidationLoss is { } loss ? $" Validation: {Loss(loss)} in the end." : "")}",
                    theme => HistoryCharts.Loss(history, theme), ChartWidth, ChartHeight),
                Figure.Of(
                    "Accuracy",
                    $"Accuracy by epoch. Training: from {Percent(first.Accuracy)} to {Percent(last.Accuracy)}."
                        + $"{(last.ValidationAccuracy is { } accuracy ? $" Validation: {Percent(accuracy)} in the end." : "")}",
                    theme => HistoryCharts.Accuracy(history, theme), ChartWidth, ChartHeight),
                Figure.Of(
                    "Learning rate",
                    string.Create(
                        CultureInfo.InvariantCulture, $"Learning rate by epoch, from {first.LearningRate:g3} to {last.LearningRate:g3}."),
                    theme => HistoryCharts.LearningRate(history, theme), ChartWidth, ChartHeight)),
            Element("details", Element("summary", "All epochs in numbers"), Table(
                "Loss in nats; training images are counted as they were trained on.",
                [
                    "Epoch", "Learning rate", "Training loss", "Training accuracy", "Validation loss", "Validation accuracy",
                    "Time", "Images/s",
                ],
                history.Epochs.Select(EpochRow))),
        ];
    }

    private static XElement Comparison(NetworkReport report)
    {
        (string Name, TrainingHistory History)[] runs =
        [
            .. report.History.Epochs.IsEmpty ? [] : new[] { (report.Title, report.History) },
            .. report.ComparedRuns,
        ];
        return Element("div", Class("charts wide"), Figure.Of(
            "Error beside other runs",
            "Error in training and validation. "
                + $"In the end: {string.Join(", ", runs.Select(run => $"{run.Name} {Percent(LastError(run.History))}"))}.",
            theme => TrainingCurves.Create(new PlotOptions { Dark = theme == ChartTheme.Dark }, runs), ComparisonWidth, ComparisonHeight));
    }

    private static double LastError(TrainingHistory history) => 1 - (history.Epochs[^1].ValidationAccuracy ?? history.Epochs[^1].Accuracy);

    private static object[] EpochRow(EpochResult epoch) =>
    [
        epoch.Epoch.ToString(CultureInfo.InvariantCulture),
        epoch.LearningRate.ToString("g3", CultureInfo.InvariantCulture),
        Loss(epoch.Loss),
        Percent(epoch.Accuracy),
        epoch.ValidationLoss is { } loss ? Loss(loss) : "–",
        epoch.ValidationAccuracy is { } accuracy ? Percent(accuracy) : "–",
        Durations.Text(epoch.Duration),
        Count((long)epoch.ImagesPerSecond),
    ];

    private static XElement Fact(string name, string value) => Element("div", Element("dt", name), Element("dd", value));

    private static string Short(long count) => count switch
    {
        >= 1_000_000_000 => (count / 1e9).ToString("0.00", CultureInfo.InvariantCulture) + " G",
        >= 1_000_000 => (count / 1e6).ToString("0.00", CultureInfo.InvariantCulture) + " M",
        _ => Count(count),
    };
}
