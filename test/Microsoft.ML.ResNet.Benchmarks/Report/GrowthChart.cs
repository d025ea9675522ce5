using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using OxyPlot;
using OxyPlot.Axes;

namespace Benchmarks.Report;

/// <summary>What training costs at one point of an axis.</summary>
internal sealed record GrowthPoint(double X, double Milliseconds, double Megabytes);

/// <summary>
/// A plot of time per image above one of peak memory, both logarithmic, with least-squares lines: powers are straight there.
/// </summary>
internal static class GrowthChart
{
    private const int Width = 720;
    private const int Height = 560;

    // Below and above what was measured, so that what is nearly flat looks so.
    private const double Room = 1.5;

    private const string Time = "time";
    private const string Memory = "memory";

    public static Picture Write(string name, string title, IReadOnlyList<GrowthPoint> points)
    {
        var theme = ChartTheme.Light;
        var chart = Chart.Create(theme, $"Against {name}");
        chart.Axes.Add(Logarithmic(theme, AxisPosition.Bottom, title));
        chart.Axes.Add(Upright(theme, "time per image, ms", Time, 0.54, 1, points.Select(point => point.Milliseconds)));
        chart.Axes.Add(Upright(theme, "peak memory, MB", Memory, 0, 0.46, points.Select(point => point.Megabytes)));
        foreach (var (axis, color, values) in (ReadOnlySpan<(string, OxyColor, (double X, double Y)[])>)
        [
            (Time, theme.SeriesColor(0), [.. points.Select(point => (point.X, point.Milliseconds))]),
            (Memory, theme.SeriesColor(1), [.. points.Select(point => (point.X, point.Megabytes))]),
        ])
        {
            var (slope, intercept) = Statistics.Line([.. values.Select(value => (Math.Log(value.X), Math.Log(value.Y)))]);
            var fit = Chart.Line(null, theme.Quiet, 1.2,
                [.. values.Select(value => new DataPoint(value.X, Math.Exp(intercept + slope * Math.Log(value.X))))], LineStyle.Dash);
            var measured = Chart.Line(null, color, 1.8, values.Select(value => new DataPoint(value.X, value.Y)));
            (measured.MarkerType, measured.MarkerSize, measured.MarkerFill) = (MarkerType.Circle, 3.5, color);
            (fit.YAxisKey, measured.YAxisKey) = (axis, axis);
            chart.Series.Add(fit);
            chart.Series.Add(measured);
        }

        var path = $"images/growth-{name}.png";
        ChartFile.Save(chart, Path.Combine(Checkout.Docs, path), Width, Height);
        return new Picture($"Time per image and peak memory against {name}; dashed, the least-squares line through the logarithms", path);
    }

    private static LogarithmicAxis Upright(ChartTheme theme, string title, string key, double start, double end, IEnumerable<double> values)
    {
        var axis = Logarithmic(theme, AxisPosition.Left, title);
        (axis.Key, axis.StartPosition, axis.EndPosition) = (key, start, end);
        (axis.Minimum, axis.Maximum) = (values.Min() / Room, values.Max() * Room);
        (axis.MajorGridlineStyle, axis.MajorGridlineColor) = (LineStyle.Solid, theme.Grid);
        return axis;
    }

    private static LogarithmicAxis Logarithmic(ChartTheme theme, AxisPosition position, string title) => new()
    {
        Position = position,
        Title = title,
        Base = 2,
        PowerPadding = false,
        MinimumPadding = 0.08,
        MaximumPadding = 0.08,
        AxislineStyle = LineStyle.Solid,
        AxislineColor = theme.Axis,
        TicklineColor = theme.Axis,
        TickStyle = TickStyle.Outside,
        MajorTickSize = 4,
        MinorTickSize = 0,
        AxisTitleDistance = 8,
        LabelFormatter = value => value.ToString(value < 1 ? "0.###" : "#,0.##", Output.Culture),
    };
}
