using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>How far the probabilities can be trusted.</summary>
internal static class CalibrationSection
{
    private const int ChartWidth = 440;
    private const int ChartHeight = 400;

    public static XElement Create(ClassificationReport report) => ReportPage.Section("calibration", "Calibration",
        Element("p", Class("note"),
            "Of the predictions that a network is 90 % sure of, 90 % should be right. "
            + "Bars below the dashed line are too sure, bars above it not sure enough. "
            + "The expected calibration error is the mean distance to the line, over all predictions (Guo et al., 2017)."),
        Element("div", Class("charts"),
            Diagram("As it is", report.Calibration),
            report.CalibrationAtTemperature is { } calibrated
                ? Diagram($"At temperature {Hundredths(report.Temperature!.Value)}, fitted to other data", calibrated)
                : null));

    private static XElement Diagram(string name, CalibrationResult calibration) => Figure.Of(
        new object[]
        {
            name,
            Element(
                "span",
                Class("note"),
                $"calibration error {Percent(calibration.ExpectedCalibrationError)}, log-loss {Loss(calibration.LogLoss)}"),
        },
        $"Accuracy by confidence in {calibration.Bins.Length} bins; "
            + $"the expected calibration error is {Percent(calibration.ExpectedCalibrationError)}.",
        theme => ReliabilityDiagram.Create(calibration, theme), ChartWidth, ChartHeight);
}
