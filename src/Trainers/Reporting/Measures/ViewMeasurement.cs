using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Tests a network on several views of each image.</summary>
internal static class ViewMeasurement
{
    /// <summary>Measures one kind of views, in one pass over the data.</summary>
    /// <param name="views">The views.</param>
    /// <param name="scored">The data with the scores of the views.</param>
    /// <param name="model">The network.</param>
    /// <param name="data">The data.</param>
    /// <param name="options">The names of its columns, and the token that stops.</param>
    public static ViewResult Run(
        TestTimeViews views, IDataView scored, ResNetClassificationTransformer model, IDataView data, ReportOptions options)
    {
        var (losses, correct, total) = (new CalibrationMeter(), 0L, 0L);
        using var rows = new ScoredRows(model, data, options, scored);
        while (rows.MoveNext())
        {
            var predicted = TensorPrimitives.IndexOfMax(rows.Scores);
            losses.Add(rows.Scores, rows.Label, predicted);
            correct += predicted == rows.Label ? 1 : 0;
            total++;
        }

        return new ViewResult(views.ToString(), views.Count, new Proportion(correct, total), losses.ToResult().LogLoss);
    }
}

/// <summary>How a network does on the mean of several views of each image.</summary>
/// <param name="Name">The views' name.</param>
/// <param name="Views">The views of each image.</param>
/// <param name="Accuracy">The images classified right.</param>
/// <param name="LogLoss">The mean cross-entropy in nats.</param>
internal sealed record ViewResult(string Name, int Views, Proportion Accuracy, double LogLoss);
