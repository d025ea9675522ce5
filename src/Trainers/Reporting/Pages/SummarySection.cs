using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;
using static System.FormattableString;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>The few numbers that matter most.</summary>
internal static class SummarySection
{
    public static XElement Create(ClassificationReport report) => ReportPage.Section("results", "Results",
        Element("dl", Class("tiles"),
            Tile("Accuracy", Percent(report.Accuracy.Value), Interval(report.Accuracy)),
            report.TopFive is { } topFive ? Tile("Top-5 accuracy", Percent(topFive.Value), Interval(topFive)) : null,
            Tile("Macro accuracy", Percent(report.MacroAccuracy), "mean over classes"),
            Tile("Log-loss", Loss(report.LogLoss), "nats"),
            Tile("Calibration error", Percent(report.Calibration.ExpectedCalibrationError), AtTemperature(report)),
            Tile("Mistakes", Count(report.Accuracy.Trials - report.Accuracy.Successes), $"of {Count(report.Accuracy.Trials)} images")),
        report.UnlabeledRows > 0
            ? Element("p", Class("note"), $"{Count(report.UnlabeledRows)} rows of the test data have no label, and are left out.")
            : null);

    /// <summary>Makes a number with its name and what is to be said of it.</summary>
    public static XElement Tile(string name, string figure, string note) =>
        Element("div", Element("dt", name), Element("dd", Class("figure"), figure), Element("dd", Class("note"), note));

    private static string Interval(Proportion share) =>
        Invariant($"95 %: {100 * share.Interval.Low:0.00} to {100 * share.Interval.High:0.00}");

    private static string AtTemperature(ClassificationReport report) => report.CalibrationAtTemperature is { } calibrated
        ? Invariant($"{Percent(calibrated.ExpectedCalibrationError)} at temperature {report.Temperature!.Value:0.00}")
        : "expected, 15 bins";
}
