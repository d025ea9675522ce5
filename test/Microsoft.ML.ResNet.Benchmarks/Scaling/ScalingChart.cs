using Benchmarks.Report;
using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;

namespace Benchmarks.Scaling;

/// <summary>A plot of the share of time that nodes compute, against their number: solid as measured, dashed as the page advises.</summary>
internal static class ScalingChart
{
    private const int Width = 720;
    private const int Height = 400;

    public static void Write(string network, string path)
    {
        var theme = ChartTheme.Light;
        var chart = Chart.Create(theme, $"{network} on ImageNet: time spent computing");
        chart.Axes.Add(new LogarithmicAxis
        {
            Position = AxisPosition.Bottom,
            Title = "nodes",
            Base = 2,
            AxislineStyle = LineStyle.Solid,
            AxislineColor = theme.Axis,
            TicklineColor = theme.Axis,
            TickStyle = TickStyle.Outside,
            MinorTickSize = 0,
            AxisTitleDistance = 6,
        });
        var share = Chart.Left(theme, "share of the time", "0 %");
        (share.Maximum, share.MajorStep) = (1.02, 0.2);
        chart.Axes.Add(share);
        chart.Legends.Add(Chart.Legend(theme, LegendPlacement.Outside));
        foreach (var (index, link) in ScalingFigures.Links.Index())
        {
            var runs = ScalingFigures.Nodes.Select(nodes => ScalingFigures.Training(network, link, nodes)).ToArray();
            chart.Series.Add(Chart.Line($"{link} Gbit/s", theme.SeriesColor(index), 1.8, Points(runs)));
            var changed = Chart.Line(
                null, theme.SeriesColor(index), 1.4, Points(runs.Select(ScalingTables.WithChanges)), LineStyle.Dash);
            chart.Series.Add(changed);
        }

        ChartFile.Save(chart, Path.Combine(Checkout.Docs, path), Width, Height);
    }

    private static IEnumerable<DataPoint> Points(IEnumerable<ImageNetTraining> runs) =>
        runs.Select(run => new DataPoint(run.Nodes, run.Step.Efficiency));
}
