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
