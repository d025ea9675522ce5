using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Tests.Reporting.Pages;

namespace Microsoft.ML.ResNet.Trainers.Tests;

public sealed class RejectUnknownTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void IsUnknownIsTrueWhereNoProbabilityIsAboveTheThreshold(bool calibrate)
    {
        var (data, other) = (TrainingData.Vectors(_ml, perClass: 16), TrainingData.Vectors(_ml, Pictures.Rows(20, 16, 16, 3, seed: 9)));
        using var plain = Fit(data, other, rejectUnknown: null, calibrate);
        using var model = Fit(data, other, rejectUnknown: 0.25, calibrate);

        var threshold = model.History.UnknownThreshold!.Value;
        var scored = model.Transform(other);
        var scores = scored.GetColumn<float[]>("Score").ToArray();
        var isUnknown = scored.GetColumn<bool>("IsUnknown").ToArray();

        Assert.Equal(scores.Select(row => row.Max() <= threshold), isUnknown);
        // 15 of 60: Torch and ONNX Runtime may differ about the image at the threshold
        Assert.InRange(isUnknown.Count(each => each), 14, 16);
        Assert.Equal(plain.Transform(other).GetColumn<float[]>("Score"), scores);
        Assert.Equal(plain.Transform(other).GetColumn<uint>("PredictedLabel"), scored.GetColumn<uint>("PredictedLabel"));
        Assert.Null(plain.Transform(other).Schema.GetColumnOrNull("IsUnknown"));
        Assert.Null(plain.History.UnknownThreshold);
        Assert.Equal(
            plain.Transform(other).Schema.Where(column => !column.IsHidden).Select(column => column.Name).Append("IsUnknown").Order(),
            scored.Schema.Where(column => !column.IsHidden).Select(column => column.Name).Order());
    }

    [Fact]
    public void TheSavedModelTellsItWithMLNetAlone()
    {
        var data = TrainingData.Vectors(_ml, perClass: 16);
        using var model = Fit(data, data, rejectUnknown: 0.5);
        var expected = model.Transform(data).GetColumn<bool>("IsUnknown").ToArray();
        Assert.Contains(true, expected);
        Assert.Contains(false, expected);

        _ml.Model.Save(model, data.Schema, _folder["model.zip"]);
        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(_folder["model.zip"], out _);

        Assert.All(
            ResNetTransformerExtensions.Stages(loaded),
            stage => Assert.DoesNotContain("ResNet", stage.GetType().FullName!, StringComparison.Ordinal));
        Assert.Equal(expected, loaded.Transform(data).GetColumn<bool>("IsUnknown"));
        Assert.Equal(model.Transform(data).GetColumn<float[]>("Score"), loaded.Transform(data).GetColumn<float[]>("Score"));
        Assert.Equal(
            "ScoreColumnKind",
            loaded.Transform(data).Schema["Score"].Annotations.Schema.Single(each => each.Name == "ScoreColumnKind").Name);
        Assert.InRange(_ml.MulticlassClassification.Evaluate(loaded.Transform(data)).MicroAccuracy, 0.3, 1);
    }

    // ML.NET reads the numbers of a saved Expression in the culture of the process.
    [Fact]
    public void TheSavedModelTellsItInAnyCulture()
    {
        var data = TrainingData.Vectors(_ml, perClass: 16);
        using var model = Fit(data, data, rejectUnknown: 0.5);
        var expected = model.Transform(data).GetColumn<bool>("IsUnknown").ToArray();
        _ml.Model.Save(model, data.Schema, _folder["model.zip"]);

        var culture = CultureInfo.CurrentCulture;
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        commas.NumberFormat.NumberGroupSeparator = ".";
        try
        {
            CultureInfo.CurrentCulture = commas;
            using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(_folder["model.zip"], out _);
            Assert.Equal(expected, loaded.Transform(data).GetColumn<bool>("IsUnknown"));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void ANetworkMadeAgainFromTheFileTellsItToo()
    {
        var data = TrainingData.Vectors(_ml, perClass: 16);
        using var model = Fit(data, data, rejectUnknown: 0.5);
        var expected = model.Transform(data).GetColumn<bool>("IsUnknown").ToArray();
        _ml.Model.Save(model, data.Schema, _folder["model.zip"]);

        var weights = ResNetWeights.Load(_folder["model.zip"]);
        Assert.Equal(model.History.UnknownThreshold, weights.Card!.UnknownThreshold);
        Assert.Contains("Unknown, unless a probability is above", weights.Card.ToMarkdown(), StringComparison.Ordinal);
        using var again = _ml.Transforms.ApplyResNet(weights, TrainingData.Tiny, imageColumnName: "Bytes").Fit(data);
        using var renamed = _ml.Transforms
            .ApplyResNet(weights, TrainingData.Tiny, imageColumnName: "Bytes", scoreColumnName: "P", predictedLabelColumnName: "Class")
            .Fit(data);

        Assert.Equal(expected, again.Transform(data).GetColumn<bool>("IsUnknown"));
        Assert.Equal(expected, renamed.Transform(data).GetColumn<bool>("IsUnknown"));
        Assert.Null(renamed.Transform(data).Schema.GetColumnOrNull("Score"));

        using var quantized = model.Quantize(data);
        Assert.NotNull(quantized.Transform(data).Schema.GetColumnOrNull("IsUnknown"));
    }

    [Fact]
    public void TheTrainerConformsWithIt()
    {
        var data = TrainingData.Vectors(_ml);
        var trainer = _ml.MulticlassClassification.Trainers.ResNet(Options(rejectUnknown: 0.2));
        TestSupport.Conformance.CheckEstimator(_ml, trainer, data, _ml.Transforms.DropColumns("Bytes").Fit(data).Transform(data));
    }

    [Fact]
    public void TheReportTellsTheFalseRejections()
    {
        var data = TrainingData.Vectors(_ml, perClass: 16);
        using var model = Fit(data, data, rejectUnknown: 0.25);
        var rejected = model.Transform(data).GetColumn<bool>("IsUnknown").Count(each => each);

        model.WriteReport(_folder["report.html"], data, new ReportOptions { GradCam = false, LayerResponseImages = 0, TestTimeViews = [] });

        var rows = Page.Read(_folder["report.html"]).QuerySelectorAll("#unknown tbody tr");
        Assert.Equal(2, rows.Length);
        Assert.Equal($"{rejected}", rows[0].QuerySelectorAll("td")[0].TextContent);
        Assert.Equal($"{48 - rejected}", rows[1].QuerySelectorAll("td")[0].TextContent);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void ASharethatIsNoneIsRefused(double share) => Assert.Contains(
        "RejectUnknown must be greater than 0 and less than 1",
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Trainers.ResNet(Options(share))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void ItNeedsValidationImages()
    {
        var trainer = _ml.MulticlassClassification.Trainers.ResNet(Options(rejectUnknown: 0.1, validationFraction: 0));
        Assert.Contains(
            "RejectUnknown need validation images",
            Assert.Throws<InvalidOperationException>(() => trainer.Fit(TrainingData.Vectors(_ml))).Message,
            StringComparison.Ordinal);
    }

    private ResNetClassificationTransformer Fit(IDataView data, IDataView validation, double? rejectUnknown, bool calibrate = false) =>
        _ml.MulticlassClassification.Trainers.ResNet(Options(rejectUnknown, calibrate)).Fit(data, validation);

    private static ResNetTrainer.Options Options(double? rejectUnknown, bool calibrate = false, double validationFraction = 0.25) => new()
    {
        Architecture = TrainingData.Tiny,
        ImageColumnName = nameof(PixelRow.Bytes),
        InputShape = TrainingData.Shape,
        Epochs = 3,
        BatchSize = 16,
        Seed = 5,
        ThreadCount = 1,
        Precision = TrainingPrecision.Float32,
        ValidationFraction = validationFraction,
        Calibrate = calibrate,
        RejectUnknown = rejectUnknown,
    };
}
