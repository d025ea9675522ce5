using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using OxyPlot;
using OxyPlot.Legends;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Draws the error of several training runs in one chart, as He et al. (2016, figure 6) do.</summary>
public static class TrainingCurves
{
    /// <summary>Draws training errors as thin, dashed lines, and validation errors as bold ones.</summary>
    /// <param name="path">The file to write, .svg or .png; an existing one is replaced. A PNG's text needs any font to be installed.</param>
    /// <param name="runs">The runs, in the order of the legend.</param>
    /// <exception cref="ArgumentException">There are no runs, a run has no epochs, or the path ends in neither .svg nor .png.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Plot(string path, params ReadOnlySpan<(string Name, TrainingHistory History)> runs) => Plot(path, new PlotOptions(), runs);

    /// <summary>Draws training errors as thin, dashed lines, and validation errors as bold ones.</summary>
    /// <remarks>The horizontal axis counts iterations, where all histories tell their steps, and otherwise epochs. Errors are in percent.</remarks>
    /// <param name="path">The file to write, .svg or .png; an existing one is replaced. A PNG's text needs any font to be installed.</param>
    /// <param name="options">How the chart looks. Its maximum is a share: 0.2 puts 20 % at the top.</param>
    /// <param name="runs">The runs, in the order of the legend.</param>
    /// <exception cref="ArgumentException">There are no runs, a run has no epochs, an option is out of its range, or the path ends in neither .svg nor .png.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Plot(string path, PlotOptions options, params ReadOnlySpan<(string Name, TrainingHistory History)> runs)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ChartFile.CheckPath(path);
        ChartFile.Save(Create(options, runs), path, options.Width, options.Height);
    }

    internal static PlotModel Create(PlotOptions options, ReadOnlySpan<(string Name, TrainingHistory History)> runs)
    {
        if (runs.IsEmpty)
        {
            throw new ArgumentException("There are no runs to draw.", nameof(runs));
        }

        var theme = options.Dark ? ChartTheme.Dark : ChartTheme.Light;
        var countSteps = true;
        foreach (var (name, history) in runs)
        {
            if (history.Epochs.IsEmpty)
            {
                throw new ArgumentException($"Run '{name}' has no epochs to draw.", nameof(runs));
            }

            countSteps &= history.Epochs.All(epoch => epoch.Step > 0);
        }

        var chart = Chart.Create(theme, options.Title);
        var error = Chart.Left(theme, "error, %");
        error.Maximum = 100 * options.Maximum ?? double.NaN;
        var progress = Chart.Bottom(theme, countSteps ? "iterations" : "epochs").Counting();
        progress.Minimum = countSteps ? 0 : 1;
        chart.Axes.Add(error);
        chart.Axes.Add(progress);
        chart.Legends.Add(Chart.Legend(theme, LegendPlacement.Inside));
        for (var run = 0; run < runs.Length; run++)
        {
            var (name, epochs) = (runs[run].Name, runs[run].History.Epochs);
            var validated = epochs.Where(epoch => epoch.ValidationAccuracy is not null).Select(epoch => Point(epoch, epoch.ValidationAccuracy!.Value)).ToArray();
            var hasValidation = validated.Length > 0;
            chart.Series.Add(Chart.Line(hasValidation ? null : name, theme.SeriesColor(run), 1.1, epochs.Select(epoch => Point(epoch, epoch.Accuracy)), LineStyle.Dash));
            if (hasValidation)
            {
                chart.Subtitle = "bold: validation, dashed: training";
                chart.Series.Add(Chart.Line(name, theme.SeriesColor(run), 2.4, validated));
            }
        }

        return chart;

        DataPoint Point(EpochResult epoch, double accuracy) => new(countSteps ? epoch.Step : epoch.Epoch, 100 * (1 - accuracy));
    }
}
