using OxyPlot;
using OxyPlot.Legends;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>Curves of one training run over its epochs.</summary>
internal static class HistoryCharts
{
    public static PlotModel Loss(TrainingHistory history, ChartTheme theme) =>
        TrainingAndValidation(history, theme, epoch => epoch.Loss, epoch => epoch.ValidationLoss, "0.##");

    public static PlotModel Accuracy(TrainingHistory history, ChartTheme theme)
    {
        var chart = TrainingAndValidation(history, theme, epoch => 100 * epoch.Accuracy, epoch => 100 * epoch.ValidationAccuracy, "0.##'%'");
        chart.Axes[0].Minimum = double.NaN;
        chart.Axes[0].AbsoluteMaximum = 100;
        return chart;
    }

    public static PlotModel LearningRate(TrainingHistory history, ChartTheme theme)
    {
        var chart = OverEpochs(theme, "0.#####");
        chart.Series.Add(Chart.Line(null, theme.SeriesColor(0), 2, history.Epochs.Select(epoch => new DataPoint(epoch.Epoch, epoch.LearningRate))));
        return chart;
    }

    private static PlotModel TrainingAndValidation(
        TrainingHistory history, ChartTheme theme, Func<EpochResult, double> training, Func<EpochResult, double?> validation, string format)
    {
        var chart = OverEpochs(theme, format);
        chart.Legends.Add(Chart.Legend(theme, LegendPlacement.Outside));
        chart.Series.Add(Chart.Line("training", theme.Quiet, 1.5, history.Epochs.Select(epoch => new DataPoint(epoch.Epoch, training(epoch)))));
        var validated = history.Epochs.Where(epoch => validation(epoch) is not null).Select(epoch => new DataPoint(epoch.Epoch, validation(epoch)!.Value)).ToArray();
        if (validated.Length > 0)
        {
            chart.Series.Add(Chart.Line("validation", theme.SeriesColor(0), 2.2, validated));
        }

        return chart;
    }

    private static PlotModel OverEpochs(ChartTheme theme, string format)
    {
        var chart = Chart.Create(theme);
        chart.Axes.Add(Chart.Left(theme, title: null, format));
        chart.Axes.Add(Chart.Bottom(theme, "epoch").Counting());
        return chart;
    }
}
