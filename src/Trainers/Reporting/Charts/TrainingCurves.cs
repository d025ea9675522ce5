using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using OxyPlot;
using OxyPlot.Legends;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Draws the error, or the loss, of several training runs in one chart, as He et al. (2016, figure 6) do.</summary>
public static class TrainingCurves
{
    /// <summary>Draws training errors as thin, dashed lines, and validation errors as bold ones.</summary>
    /// <param name="path">The file to write, .svg or .png; an existing one is replaced. A PNG's text needs any font to be
    /// installed.</param>
    /// <param name="runs">The runs, in the order of the legend.</param>
    /// <exception cref="ArgumentException">There are no runs, a run has no epochs, or the path ends in neither .svg nor .png.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Plot(string path, params ReadOnlySpan<(string Name, TrainingHistory History)> runs) =>
        Plot(path, new PlotOptions(), runs);

    /// <summary>Draws training errors or losses as thin, dashed lines, and those of validation as bold ones.</summary>
    /// <remarks>Iterations compare runs step by step, epochs compare runs whose batches have different sizes.</remarks>
    /// <param name="path">The file to write, .svg or .png; an existing one is replaced. A PNG's text needs any font to be
    /// installed.</param>
    /// <param name="options">
    /// What is drawn, and how the chart looks. The maximum of an error is a share: 0.2 puts 20 % at the top; that of a loss is in nats.
    /// </param>
    /// <param name="runs">The runs, in the order of the legend.</param>
    /// <exception cref="ArgumentException"> There are no runs, a run has no epochs, an option is out of its range, iterations are asked for
    /// and a run does not tell its steps, or the path ends in neither .svg nor .png.
    /// </exception>
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
        var (countSteps, isLoss) = (CountsSteps(options.Axis, runs), options.Value == CurveValue.Loss);
        var chart = Chart.Create(theme, options.Title);
        var values = runs.ToArray()
            .SelectMany(run => run.History.Epochs)
            .SelectMany(epoch => new[] { Training(epoch), Validation(epoch) ?? 0 });
        var value = Chart.Left(theme, isLoss ? "loss, nats" : "error, %", "0.####").On(ValueScale.FromZero(values));
        value.Maximum = (isLoss ? 1 : 100) * options.Maximum ?? value.Maximum;
        value.MajorStep = options.Maximum is null ? value.MajorStep : double.NaN;
        var progress = Chart.Bottom(theme, countSteps ? "iterations" : "epochs").Counting();
        progress.Minimum = countSteps ? 0 : double.NaN;
        chart.Axes.Add(value);
        chart.Axes.Add(progress);
        chart.Legends.Add(Chart.Legend(theme, LegendPlacement.Inside));
        for (var run = 0; run < runs.Length; run++)
        {
            var (name, epochs) = (runs[run].Name, runs[run].History.Epochs);
            var trained = epochs.Select(epoch => Point(epoch, Training(epoch)));
            var validated = epochs.Where(epoch => Validation(epoch) is not null)
                .Select(epoch => Point(epoch, Validation(epoch)!.Value))
                .ToArray();
            var hasValidation = validated.Length > 0;
            chart.Series.Add(Chart.Line(hasValidation ? null : name, theme.SeriesColor(run), 1.2, trained, LineStyle.Dash));
            if (hasValidation)
            {
                chart.Subtitle = "bold: validation, dashed: training";
                chart.Series.Add(Chart.Line(name, theme.SeriesColor(run), 2.4, validated));
            }
        }

        return chart;

        double Training(EpochResult epoch) => isLoss ? epoch.Loss : 100 * (1 - epoch.Accuracy);

        double? Validation(EpochResult epoch) => isLoss ? epoch.ValidationLoss : 100 * (1 - epoch.ValidationAccuracy);

        DataPoint Point(EpochResult epoch, double height) => new(countSteps ? epoch.Step : epoch.Epoch, height);
    }

    private static bool CountsSteps(CurveAxis axis, ReadOnlySpan<(string Name, TrainingHistory History)> runs)
    {
        var countSteps = axis != CurveAxis.Epochs;
        foreach (var (name, history) in runs)
        {
            if (history.Epochs.IsEmpty)
            {
                throw new ArgumentException($"Run '{name}' has no epochs to draw.", nameof(runs));
            }

            var hasSteps = history.Epochs.All(epoch => epoch.Step > 0);
            if (axis == CurveAxis.Iterations && !hasSteps)
            {
                throw new ArgumentException(
                    $"Run '{name}' does not tell its steps, so its iterations cannot be drawn. Choose CurveAxis.Epochs.", nameof(runs));
            }

            countSteps &= hasSteps;
        }

        return countSteps;
    }
}
