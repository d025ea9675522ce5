using OxyPlot;
using OxyPlot.Legends;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>Curves of one training run over its epochs.</summary>
internal static class HistoryCharts
{
    public static PlotModel Loss(TrainingHistory history, ChartTheme theme) =>
        TrainingAndValidation(history, theme, epoch => epoch.Loss, epoch => epoch.ValidationLoss, "0.####", ValueScale.FromZero);

    public static PlotModel Accuracy(TrainingHistory history, ChartTheme theme) => TrainingAndValidation(
        history, theme, epoch => 100 * epoch.Accuracy, epoch => 100 * epoch.ValidationAccuracy, "0.####'%'", ValueScale.Around);

    public static PlotModel LearningRate(TrainingHistory history, ChartTheme theme)
    {
        var chart = OverEpochs(theme, "0.########", ValueScale.FromZero(history.Epochs.Select(epoch => epoch.LearningRate)));
        var points = history.Epochs.Select(epoch => new DataPoint(epoch.Epoch, epoch.LearningRate));
        chart.Series.Add(Chart.Line(null, theme.SeriesColor(0), 2, points));
        return chart;
    }

    private static PlotModel TrainingAndValidation(
        TrainingHistory history,
        ChartTheme theme,
        Func<EpochResult, double> training,
        Func<EpochResult, double?> validation,
        string format,
        Func<IEnumerable<double>, ValueScale> scale)
    {
        var values = history.Epochs.SelectMany(epoch => new[] { training(epoch), validation(epoch) ?? double.NaN });
        var chart = OverEpochs(theme, format, scale(values));
        chart.Legends.Add(Chart.Legend(theme, LegendPlacement.Outside));
        var trained = history.Epochs.Select(epoch => new DataPoint(epoch.Epoch, training(epoch)));
        chart.Series.Add(Chart.Line("training", theme.Quiet, 1.8, trained));
        DataPoint[] validated =
        [
            .. history.Epochs
                .Where(epoch => validation(epoch) is not null)
                .Select(epoch => new DataPoint(epoch.Epoch, validation(epoch)!.Value)),
        ];
        if (validated.Length > 0)
        {
            chart.Series.Add(Chart.Line("validation", theme.SeriesColor(0), 2.4, validated));
        }

        return chart;
    }

    private static PlotModel OverEpochs(ChartTheme theme, string format, ValueScale scale)
    {
        var chart = Chart.Create(theme);
        chart.Axes.Add(Chart.Left(theme, title: null, format).On(scale));
        chart.Axes.Add(Chart.Bottom(theme, "epoch").Counting());
        return chart;
    }
}
