using OxyPlot;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>How strongly each layer of one network responds, in the order of the layers (He et al., 2016, figure 7, above).</summary>
internal static class ResponseChart
{
    public static PlotModel Create(IReadOnlyList<LayerResponse> layers, ChartTheme theme)
    {
        var chart = Chart.Create(theme);
        chart.Axes.Add(
            Chart.Left(theme, "standard deviation", "0.####").On(ValueScale.FromZero(layers.Select(layer => layer.StandardDeviation))));
        chart.Axes.Add(Chart.Bottom(theme, "3×3 layer, from the image on").Counting());
        var line = Chart.Line(null, theme.SeriesColor(0), 1.8, layers.Select(layer => new DataPoint(layer.Index, layer.StandardDeviation)));
        (line.MarkerType, line.MarkerSize, line.MarkerFill) = (MarkerType.Circle, 3, theme.SeriesColor(0));
        chart.Series.Add(line);
        return chart;
    }
}
