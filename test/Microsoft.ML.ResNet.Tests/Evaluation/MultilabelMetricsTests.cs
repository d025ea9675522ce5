using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Evaluation;

public sealed class MultilabelMetricsTests
{
    private readonly MLContext _ml = new(seed: 1);

    [Fact]
    public void MetricsAreTheFormulasOnes()
    {
        var metrics = Evaluate(
            ([true, false, false], [0.9f, 0.6f, 0.1f]),
            ([false, true, false], [0.8f, 0.7f, 0.2f]),
            ([true, true, false], [0.7f, 0.4f, 0.1f]),
            ([false, false, false], [0.1f, 0.4f, 0.3f]));

        var (first, second, third) = (metrics.PerLabel[0], metrics.PerLabel[1], metrics.PerLabel[2]);
        Assert.Equal((2, 3, 2), (first.Support, first.Predicted, first.TruePositives));
        Assert.Equal(2 / 3.0, first.Precision, tolerance: 1e-12);
        Assert.Equal(1, first.Recall);
        Assert.Equal(0.8, first.F1Score, tolerance: 1e-12);
        Assert.Equal((1 + 2 / 3.0) / 2, first.AveragePrecision, tolerance: 1e-12);   // ranks 1 and 3
        Assert.Equal(3 / 4.0, first.AreaUnderRocCurve, tolerance: 1e-12);            // of 4 pairs, 0.7 is below 0.8

        Assert.Equal((1 + 2 / 4.0) / 2, second.AveragePrecision, tolerance: 1e-12);  // rank 1, and the tie at ranks 3 and 4
        Assert.Equal(2.5 / 4, second.AreaUnderRocCurve, tolerance: 1e-12);           // the tie counts for half
        Assert.True(double.IsNaN(third.AveragePrecision) && double.IsNaN(third.AreaUnderRocCurve));
        Assert.Equal((0, 0), (third.Precision, third.F1Score));

        Assert.Equal((first.AveragePrecision + second.AveragePrecision) / 2, metrics.MeanAveragePrecision, tolerance: 1e-12);
        Assert.Equal((0.8 + 0.5) / 2, metrics.MacroF1Score, tolerance: 1e-12);
        Assert.Equal(2 * 3 / (5 + 4.0), metrics.MicroF1Score, tolerance: 1e-12);
        Assert.Equal(1 / 4.0, metrics.ExactMatchRatio);
        Assert.Equal(3 / 12.0, metrics.HammingLoss);
        Assert.Equal(4, metrics.ImageCount);
        double[] right = [0.9, 0.4, 0.9, 0.2, 0.7, 0.8, 0.7, 0.4, 0.9, 0.9, 0.6, 0.7];
        Assert.Equal(-right.Sum(Math.Log) / 4, metrics.LogLoss, tolerance: 1e-6);
        Assert.StartsWith("mAP 0.79", metrics.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void RanksAreThoseOfAllPairs()
    {
        var random = new Random(1);
        var rows = Enumerable.Range(0, 200)
            .Select(_ => (Labels: new[] { random.Next(3) == 0 }, Scores: new[] { random.Next(20) / 20f })).ToArray();

        var label = Evaluate(rows).PerLabel[0];

        var pairs = rows.Where(row => row.Labels[0]).SelectMany(with => rows.Where(row => !row.Labels[0])
            .Select(without => with.Scores[0] > without.Scores[0] ? 1 : with.Scores[0] == without.Scores[0] ? 0.5 : 0)).ToArray();
        Assert.Equal(pairs.Average(), label.AreaUnderRocCurve, tolerance: 1e-12);
        var precisions = rows.Where(row => row.Labels[0]).Select(with => rows.Where(row => row.Scores[0] >= with.Scores[0])
            .Average(row => row.Labels[0] ? 1.0 : 0));
        Assert.Equal(precisions.Average(), label.AveragePrecision, tolerance: 1e-12);
    }

    [Fact]
    public void AThresholdMovesWhatIsPredicted()
    {
        var data = Load(([true, false], [0.3f, 0.1f]));
        Assert.Equal(1, _ml.MulticlassClassification.EvaluateMultilabel(data, threshold: 0.2f).ExactMatchRatio);
        Assert.Equal(0, _ml.MulticlassClassification.EvaluateMultilabel(data).ExactMatchRatio);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.EvaluateMultilabel(data, threshold: float.NaN));
    }

    [Fact]
    public void ColumnsThatDoNotFitAreNamed()
    {
        var data = Load(([true, false], [0.3f, 0.1f]));
        AssertRefused("There is no label column 'Tags'", data, "Tags", "Score");
        AssertRefused("There is no score column 'P'", data, "Label", "P");
        var two = _ml.Transforms.Concatenate("Both", "Score", "Score").Fit(data).Transform(data);
        AssertRefused("must be a vector of 2 floats", two, "Label", "Both");
        Assert.Throws<InvalidOperationException>(() => _ml.MulticlassClassification.EvaluateMultilabel(_ml.Data.SkipRows(data, 1)));
    }

    private void AssertRefused(string message, IDataView data, string label, string score) => Assert.Contains(
        message,
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.EvaluateMultilabel(data, label, score)).Message,
        StringComparison.Ordinal);

    private MultilabelMetrics Evaluate(params (bool[] Labels, float[] Scores)[] rows) =>
        _ml.MulticlassClassification.EvaluateMultilabel(Load(rows));

    private IDataView Load(params (bool[] Labels, float[] Scores)[] rows)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Label)].ColumnType = new VectorDataViewType(BooleanDataViewType.Instance, rows[0].Labels.Length);
        schema[nameof(Row.Score)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, rows[0].Scores.Length);
        return _ml.Data.LoadFromEnumerable(rows.Select(row => new Row { Label = row.Labels, Score = row.Scores }), schema);
    }

    private sealed class Row
    {
        public bool[] Label { get; set; } = [];

        public float[] Score { get; set; } = [];
    }
}
