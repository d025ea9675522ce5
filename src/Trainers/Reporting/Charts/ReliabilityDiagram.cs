using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>
/// Shows how often predictions are right, by how sure they are (Guo et al., 2017, figure 1): bars below the diagonal are too sure.
/// Underneath, how many predictions there are of each confidence.
/// </summary>
internal static class ReliabilityDiagram
{
    private const string Accuracy = "accuracy";
    private const string Share = "share";
    private const double TopOfShares = 0.2;
    private const double BottomOfAccuracies = 0.27;

    public static PlotModel Create(CalibrationResult calibration, ChartTheme theme)
    {
        var chart = Chart.Create(theme);
        var confidence = Chart.Bottom(theme, "confidence");
        (confidence.Minimum, confidence.Maximum, confidence.StringFormat, confidence.MajorStep) = (0, 1, "0%", 0.2);
        var accuracy = Panel(theme, "accuracy", Accuracy, 1, 0.2, BottomOfAccuracies, 1);
        var share = Panel(theme, "share", Share, 1, 0.5, 0, TopOfShares);
        chart.Axes.Add(accuracy);
        chart.Axes.Add(share);
        chart.Axes.Add(confidence);
        chart.Annotations.Add(new LineAnnotation
        {
            Type = LineAnnotationType.LinearEquation,
            Slope = 1,
            YAxisKey = Accuracy,
            Color = theme.SeriesColor(1),
            LineStyle = LineStyle.Dash,
            StrokeThickness = 1.8,
            Layer = AnnotationLayer.AboveSeries,
        });

        var total = (double)calibration.Bins.Sum(bin => bin.Count);
        chart.Series.Add(Bars(calibration, Accuracy, theme.SeriesColor(0), theme, bin => bin.Accuracy));
        chart.Series.Add(Bars(calibration, Share, theme.Quiet, theme, bin => bin.Count / total));
        return chart;
    }

    private static LinearAxis Panel(ChartTheme theme, string title, string key, double maximum, double step, double bottom, double top)
    {
        var axis = Chart.Left(theme, title, "0%");
        (axis.Key, axis.Maximum, axis.MajorStep, axis.StartPosition, axis.EndPosition) = (key, maximum, step, bottom, top);
        return axis;
    }

    private static RectangleBarSeries Bars(
        CalibrationResult calibration, string key, OxyColor color, ChartTheme theme, Func<Calibration.ReliabilityBin, double> height)
    {
        var bars = new RectangleBarSeries
        {
            YAxisKey = key,
            FillColor = color,
            StrokeColor = theme.Background,
            StrokeThickness = 1,
            EdgeRenderingMode = EdgeRenderingMode.PreferGeometricAccuracy,
        };
        foreach (var bin in calibration.Bins.Where(bin => bin.Count > 0))
        {
            bars.Items.Add(new RectangleBarItem(bin.Low, 0, bin.High, height(bin)));
        }

        return bars;
    }
}
