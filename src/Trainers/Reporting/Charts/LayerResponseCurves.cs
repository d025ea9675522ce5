using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// Draws how strongly the layers of several networks respond, as He et al. (2016, figure 7) do: in the order of the layers above, ranked by
/// magnitude below.
/// </summary>
public static class LayerResponseCurves
{
    private const string InOrder = "in order";
    private const string Ranked = "ranked";
    private const double Gap = 0.05;

    /// <summary>Draws the standard deviations of layers' responses.</summary>
    /// <param name="path">The file to write, .svg or .png; an existing one is replaced. A PNG's text needs any font to be
    /// installed.</param>
    /// <param name="networks">For each network, the standard deviation of each layer's response, in the order of the layers.</param>
    /// <exception cref="ArgumentException">There are no networks, a network has no layers, or the path ends in neither .svg nor
    /// .png.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Plot(string path, params ReadOnlySpan<(string Name, IReadOnlyList<double> StandardDeviations)> networks) =>
        Plot(path, new PlotOptions { Height = 600 }, networks);

    /// <summary>Draws the standard deviations of layers' responses.</summary>
    /// <param name="path">The file to write, .svg or .png; an existing one is replaced. A PNG's text needs any font to be
    /// installed.</param>
    /// <param name="options">How the chart looks. The maximum is that of both panels; axis and value do not matter.</param>
    /// <param name="networks">For each network, the standard deviation of each layer's response, in the order of the layers.</param>
    /// <exception cref="ArgumentException">
    /// There are no networks, a network has no layers, an option is out of its range, or the path ends in neither .svg nor .png.
    /// </exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Plot(
        string path, PlotOptions options, params ReadOnlySpan<(string Name, IReadOnlyList<double> StandardDeviations)> networks)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ChartFile.CheckPath(path);
        ChartFile.Save(Create(options, networks), path, options.Width, options.Height);
    }

    internal static PlotModel Create(PlotOptions options, ReadOnlySpan<(string Name, IReadOnlyList<double> StandardDeviations)> networks)
    {
        if (networks.IsEmpty)
        {
            throw new ArgumentException("There are no networks to draw.", nameof(networks));
        }

        var theme = options.Dark ? ChartTheme.Dark : ChartTheme.Light;
        var chart = Chart.Create(theme, options.Title);
        chart.Legends.Add(Chart.Legend(theme, LegendPlacement.Inside));
        var scale = ValueScale.FromZero(
            options.Maximum is { } maximum ? [maximum] : networks.ToArray().SelectMany(each => each.StandardDeviations));
        chart.Axes.Add(Panel(theme, InOrder, "deviation, in order", 0.5 + Gap, 1, scale, options.Maximum));
        chart.Axes.Add(Panel(theme, Ranked, "deviation, ranked", 0, 0.5 - Gap, scale, options.Maximum));
        chart.Axes.Add(Chart.Bottom(theme, "layer").Counting());
        for (var network = 0; network < networks.Length; network++)
        {
            var (name, deviations) = networks[network];
            if (deviations.Count == 0)
            {
                throw new ArgumentException($"Network '{name}' has no layers to draw.", nameof(networks));
            }

            AddLine(InOrder, name, deviations);
            AddLine(Ranked, title: null, deviations.OrderDescending());

            void AddLine(string panel, string? title, IEnumerable<double> values)
            {
                var line = Chart.Line(
                    title, theme.SeriesColor(network), 1.8, values.Select((value, layer) => new DataPoint(layer + 1, value)));
                line.YAxisKey = panel;
                chart.Series.Add(line);
            }
        }

        return chart;
    }

    private static LinearAxis Panel(
        ChartTheme theme, string name, string title, double bottom, double top, ValueScale scale, double? maximum)
    {
        var axis = Chart.Left(theme, title, "0.####").On(scale);
        (axis.Key, axis.StartPosition, axis.EndPosition, axis.Maximum) = (name, bottom, top, maximum ?? axis.Maximum);
        return axis;
    }
}
