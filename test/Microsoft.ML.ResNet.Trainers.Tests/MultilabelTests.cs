using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Tests.Reporting.Pages;

namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>Several labels per image.</summary>
public sealed class MultilabelTests : IClassFixture<MultilabelTests.TrainedModel>, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ResNetClassificationTransformer _model;
    private readonly IDataView _test;
    private readonly MLContext _ml;

    public MultilabelTests(TrainedModel trained) => (_ml, _model, _test) = (trained.Context, trained.Model, trained.Test);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ItLearnsWhichShapesAreInAPicture()
    {
        var metrics = _ml.MulticlassClassification.EvaluateMultilabel(_model.Transform(_test));

        Assert.True(metrics.MeanAveragePrecision > 0.9, $"{metrics}");
        Assert.True(metrics.ExactMatchRatio > 0.5, $"{metrics}");
        Assert.InRange(metrics.HammingLoss, 0, 0.15);
        Assert.Equal(Shapes.Names, metrics.PerLabel.Select(label => label.Name));

        // The test images are those that it validated on.
        var last = _model.History.Epochs[^1];
        Assert.Equal(metrics.ExactMatchRatio, last.ValidationAccuracy!.Value, tolerance: 0.02);
        Assert.Equal(metrics.LogLoss, last.ValidationLoss!.Value, tolerance: 1e-3);
        Assert.True(_model.History.IsMultilabel);
        Assert.True(_model.Card.IsMultilabel);
        Assert.Contains("Labels, any number for an image", _model.Card.ToMarkdown(), StringComparison.Ordinal);
        Assert.Null(_model.History.NoBetterThanChance);
    }

    [Fact]
    public void TheColumnsAreVectorsWithTheNamesOfTheLabels()
    {
        var scored = _model.Transform(_test);
        var scores = scored.GetColumn<float[]>("Score").ToArray();

        Assert.Equal(scores.Select(row => row.Select(score => score > 0.5f)), scored.GetColumn<bool[]>("PredictedLabel"));
        Assert.Contains(scores, row => row.Sum() > 1.5);
        Assert.Equal(Shapes.Names, SlotNames(scored.Schema["Score"]));
        Assert.Equal(Shapes.Names, SlotNames(scored.Schema["PredictedLabel"]));
        Assert.Equal(
            _test.Schema.Select(column => column.Name).Concat(["Score", "PredictedLabel"]),
            scored.Schema.Where(column => !column.IsHidden).Select(column => column.Name));
    }

    [Fact]
    public void ASavedModelScoresWithMLNetAloneInAnyCulture()
    {
        _ml.Model.Save(_model, _test.Schema, _folder["model.zip"]);
        var culture = CultureInfo.CurrentCulture;
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        commas.NumberFormat.NumberGroupSeparator = ".";
        try
        {
            CultureInfo.CurrentCulture = commas;
            var loaded = new MLContext().Model.Load(_folder["model.zip"], out _);

            Assert.All(
                ResNetTransformerExtensions.Stages(loaded),
                stage => Assert.DoesNotContain("ResNet", stage.GetType().FullName!, StringComparison.Ordinal));
            var (expected, scored) = (_model.Transform(_test), loaded.Transform(_test));
            AssertNear(expected.GetColumn<float[]>("Score"), scored.GetColumn<float[]>("Score"), 1e-5);
            Assert.Equal(expected.GetColumn<bool[]>("PredictedLabel"), scored.GetColumn<bool[]>("PredictedLabel"));
            Assert.Equal(Shapes.Names, SlotNames(scored.Schema["Score"]));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void ThePredictorGivesTheLabelsAboveAThreshold()
    {
        _ml.Model.Save(_model, _test.Schema, _folder["model.zip"]);
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        using var fromWeights = ResNetPredictor.Load(_folder["model.zip"], new ResNetPredictorOptions { Architecture = TrainingData.Tiny });
        var scored = _model.Transform(_test);
        var rows = Shapes.Rows(TrainedModel.TestImages, TrainedModel.TestSeed).Take(5)
            .Zip(scored.GetColumn<float[]>("Score"), scored.GetColumn<bool[]>("PredictedLabel"));
        foreach (var (row, scores, labels) in rows)
        {
            using var image = Pictures.ToImage(row.Interleaved, 16, 16);
            var prediction = predictor.Predict(image);
            AssertNear([scores], [prediction.Probabilities.ToArray()], 1e-5);
            AssertNear([scores], [fromWeights.Predict(image).Probabilities.ToArray()], 1e-5);
            Assert.Equal(
                Shapes.Names.Zip(labels).Where(each => each.Second).Select(each => each.First).Order(),
                prediction.Above().Select(each => each.Label).Order());
            Assert.Equal(scores.Count(score => score > 0.2f), prediction.Above(0.2f).Length);
            Assert.Equal(_model.Plan.FeatureCount, predictor.Embed(image).Length);
        }

        using var any = Pictures.ToImage(new byte[16 * 16 * 3], 16, 16);
        Assert.Throws<ArgumentOutOfRangeException>(() => predictor.Predict(any).Above(1.5f));
    }

    [Fact]
    public void ANetworkMadeAgainFromAFileScoresTheSame()
    {
        _ml.Model.Save(_model, _test.Schema, _folder["model.zip"]);
        _model.ExportOnnx(_folder["network.onnx"], new OnnxExportOptions { BatchSize = 1 });
        _model.Weights.Save(_folder["network.safetensors"]);
        var expected = _model.Transform(_test).GetColumn<float[]>("Score").ToArray();
        foreach (var file in new[] { "model.zip", "network.onnx", "network.safetensors" })
        {
            var weights = ResNetWeights.Load(_folder[file]);
            Assert.True(weights.Card!.IsMultilabel);
            using var again = _ml.Transforms
                .ApplyResNet(weights, TrainingData.Tiny, imageColumnName: "Bytes", scoreColumnName: "P", predictedLabelColumnName: "Tags2")
                .Fit(_test);
            var scored = again.Transform(_test);
            AssertNear(expected, scored.GetColumn<float[]>("P"), 1e-5);
            Assert.Equal(expected.Select(row => row.Select(score => score > 0.5f)), scored.GetColumn<bool[]>("Tags2"));
            Assert.Null(scored.Schema.GetColumnOrNull("PredictedLabel"));
        }

        var onnx = _ml.Transforms.CopyColumns("pixels", "Bytes")
            .Append(_ml.Transforms.ApplyOnnxModel("probabilities", "pixels", _folder["network.onnx"]));
        AssertNear(expected, onnx.Fit(_test).Transform(_test).GetColumn<float[]>("probabilities"), 1e-5);
    }

    [Fact]
    public void AQuantizedNetworkHasTheSameColumns()
    {
        using var quantized = _model.Quantize(_test);
        _ml.Model.Save(quantized, _test.Schema, _folder["int8.zip"]);
        using var predictor = ResNetPredictor.Load(_folder["int8.zip"]);

        var metrics = _ml.MulticlassClassification.EvaluateMultilabel(quantized.Transform(_test));

        Assert.InRange(metrics.MeanAveragePrecision, 0.85, 1);
        Assert.Equal(Shapes.Names, predictor.ClassNames);
        var loaded = new MLContext().Model.Load(_folder["int8.zip"], out _);
        AssertNear(quantized.Transform(_test).GetColumn<float[]>("Score"), loaded.Transform(_test).GetColumn<float[]>("Score"), 1e-5);
    }

    [Fact]
    public void TheTrainerConforms() => TestSupport.Conformance.CheckEstimator(
        _ml, Trainer(Options(epochs: 1)), Shapes.Load(_ml, 32, 5), _ml.Transforms.DropColumns("Bytes").Fit(_test).Transform(_test));

    [Theory]
    [InlineData("Numbers")]
    [InlineData("Keys")]
    public void NumbersAndKeysAreLearnedAsBooleansAre(string column)
    {
        var (train, other) = (Shapes.Load(_ml, 48, 6), Shapes.Load(_ml, 16, 7));
        using var expected = Trainer(Options(epochs: 2)).Fit(train, other);
        using var model = Trainer(Options(epochs: 2, label: column)).Fit(train, other);

        Assert.Equal(Shapes.Names, model.ClassNames);
        Assert.Equal(expected.Transform(other).GetColumn<float[]>("Score"), model.Transform(other).GetColumn<float[]>("Score"));
        Assert.Equal(
            _ml.MulticlassClassification.EvaluateMultilabel(expected.Transform(other)).LogLoss,
            _ml.MulticlassClassification.EvaluateMultilabel(model.Transform(other), column).LogLoss);
        TestSupport.Conformance.CheckTransformer(_ml, model, other);
    }

    [Fact]
    public void ARunGoesOnFromACheckpointAsIfItHadNotStopped()
    {
        var train = Shapes.Load(_ml, 48, 6);
        using var whole = Trainer(Options(epochs: 3)).Fit(train);
        using var cancellation = new CancellationTokenSource();
        var stopped = Trainer(Options(
            epochs: 3, checkpoints: _folder["run"], progress: new CancelAfterEpoch(1, cancellation), token: cancellation.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => stopped.Fit(train));

        using var resumed = Trainer(Options(epochs: 3, checkpoints: _folder["run"])).Fit(train);

        Assert.Equal(whole.Transform(_test).GetColumn<float[]>("Score"), resumed.Transform(_test).GetColumn<float[]>("Score"));
    }

    [Fact]
    public void CalibrationChangesNoPrediction()
    {
        var train = Shapes.Load(_ml, 64, 6);
        using var plain = Trainer(Options(epochs: 3)).Fit(train, _test);
        using var calibrated = Trainer(Options(epochs: 3, calibrate: true)).Fit(train, _test);

        Assert.NotEqual(1, calibrated.History.Temperature);
        var before = _ml.MulticlassClassification.EvaluateMultilabel(plain.Transform(_test));
        var after = _ml.MulticlassClassification.EvaluateMultilabel(calibrated.Transform(_test));
        Assert.Equal(before.HammingLoss, after.HammingLoss, tolerance: 0.01); // a logit next to zero may round over it
        Assert.True(after.LogLoss < before.LogLoss, $"{after.LogLoss} is not below {before.LogLoss}");
    }

    [Fact]
    public void AHeadLearnsFromFeaturesThatAreThere()
    {
        using var model = Trainer(Options(epochs: 1, from: _model.Weights, headFirst: true)).Fit(Shapes.Load(_ml, 200, 6), _test);
        using var head = Trainer(Options(epochs: 4, from: Headless(_model.Weights), layers: TrainableLayers.Head))
            .Fit(Shapes.Load(_ml, 200, 6), _test);

        Assert.InRange(_ml.MulticlassClassification.EvaluateMultilabel(model.Transform(_test)).MeanAveragePrecision, 0.85, 1);
        Assert.InRange(_ml.MulticlassClassification.EvaluateMultilabel(head.Transform(_test)).MeanAveragePrecision, 0.7, 1);
    }

    [Fact]
    public void LabelsAreMixedAndSmoothed()
    {
        var recipe = TrainingRecipe.Modern with { Mixup = 0.2, CutMix = 1, LabelSmoothing = 0.1 };
        using var model = Trainer(Options(epochs: 2, recipe: recipe)).Fit(Shapes.Load(_ml, 48, 6));

        Assert.All(model.History.Epochs, epoch => Assert.InRange(epoch.Loss, 0.5, 4));
    }

    [Fact]
    public void ARareLabelIsLikelierWhereLabelsAreBalanced()
    {
        // One in ten of the pictures with a frame stays.
        var train = Shapes.Load(_ml, [.. Shapes.Rows(400, 8).Where((row, index) => !row.Label[1] || index % 10 == 0)]);
        var recipe = TrainingRecipe.Modern with { Augmentation = ImageAugmentation.None, LearningRate = 0.01 };
        using var plain = Trainer(Options(epochs: 1, recipe: recipe)).Fit(train);
        using var balanced = Trainer(Options(epochs: 1, recipe: recipe with { ClassBalance = ClassBalance.Weights })).Fit(train);

        Assert.True(Mean(balanced) > Mean(plain) + 0.1, $"{Mean(balanced):f3}, {Mean(plain):f3}");

        double Mean(ResNetClassificationTransformer model) =>
            model.Transform(_test).GetColumn<float[]>("Score").Average(scores => scores[1]);
    }

    [Fact]
    public void TheReportTellsHowEachLabelFares()
    {
        var options = new ReportOptions { LayerResponseImages = 20, TrainingData = Shapes.Load(_ml, 20, 3) };
        _model.WriteReport(_folder["report.html"], _test, options);

        var page = Page.Read(_folder["report.html"]);
        Assert.Equal(Shapes.Names.Order(), page.QuerySelectorAll("#labels tbody th").Select(name => name.TextContent).Order());
        Assert.Contains("Mean average precision", page.QuerySelector("#results")!.TextContent, StringComparison.Ordinal);
        Assert.NotNull(page.QuerySelector("#training"));
        Assert.NotNull(page.QuerySelector("#responses"));
        Assert.NotNull(page.QuerySelector("#duplicates"));
        Assert.Null(page.QuerySelector("#confusion"));
        AssertRefused("Option CalibrationData must be null", () =>
            _model.WriteReport(_folder["report.html"], _test, new ReportOptions { CalibrationData = _test }));
    }

    [Fact]
    public void WhatMakesNoSenseIsRefusedBeforeTraining()
    {
        AssertRefused("Option RejectUnknown must be null where the label column holds any number of labels", () =>
            Trainer(Options(rejectUnknown: 0.1)).Fit(_test));
        AssertRefused("Option RejectUnknown must be null", () =>
            Trainer(Options(rejectUnknown: 0.1)).GetOutputSchema(ResNet.Interop.MLNetInternals.NewSchemaShape(null, _test.Schema)));
        AssertRefused("Option Recipe.ClassBalance must be Weights or None", () =>
            Trainer(Options(recipe: TrainingRecipe.Modern with { ClassBalance = ClassBalance.Sampling })).Fit(_test));
        AssertRefused("FindLabelIssues needs a key", () => _model.FindLabelIssues(_test));
        Assert.Throws<NotSupportedException>(() => _model.Transform(_test, TestTimeViews.Flip));
        AssertRefused("Several labels are a vector of keys", () => _ml.MulticlassClassification.EvaluateMultilabel(
            TrainingData.Vectors(_ml)));
    }

    [Fact]
    public void ALabelThatIsNeitherZeroNorOneIsNamed()
    {
        var rows = Shapes.Rows(20, 1);
        rows[3].Numbers[2] = float.NaN;
        var exception = Assert.Throws<InvalidOperationException>(() => Trainer(Options(label: "Numbers")).Fit(Shapes.Load(_ml, rows)));
        Assert.Contains("Label column 'Numbers' is NaN at place 2 of row 3", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALabelWithoutImagesIsNamed()
    {
        var rows = Shapes.Rows(20, 1);
        foreach (var row in rows)
        {
            row.Label[1] = false;
        }

        var exception = Assert.Throws<InvalidOperationException>(() => Trainer(Options()).Fit(Shapes.Load(_ml, rows)));
        Assert.Contains(
            "1 of 4 labels of label column 'Label' have no training images: 'frame'", exception.Message, StringComparison.Ordinal);
    }

    private static void AssertRefused(string message, Action action) =>
        Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(action).Message, StringComparison.Ordinal);

    private static void AssertNear(IEnumerable<float[]> expected, IEnumerable<float[]> actual, double tolerance) =>
        Assert.All(expected.Zip(actual).SelectMany(rows => rows.First.Zip(rows.Second)), pair =>
            Assert.Equal(pair.First, pair.Second, tolerance));

    private static string[] SlotNames(DataViewSchema.Column column)
    {
        var names = default(VBuffer<ReadOnlyMemory<char>>);
        column.GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }

    private static ResNetWeights Headless(ResNetWeights weights) =>
        new(weights.Tensors.Where(tensor => !tensor.Name.StartsWith("fc.", StringComparison.Ordinal)))
        {
            Preprocessing = weights.Preprocessing,
        };

    private ResNetTrainer Trainer(ResNetTrainer.Options options) => _ml.MulticlassClassification.Trainers.ResNet(options);

    private static ResNetTrainer.Options Options(
        int epochs = 1,
        string label = "Label",
        string? checkpoints = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken token = default,
        bool calibrate = false,
        double? rejectUnknown = null,
        TrainingRecipe? recipe = null,
        ResNetWeights? from = null,
        bool headFirst = false,
        TrainableLayers layers = TrainableLayers.All) => new()
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            ImageColumnName = nameof(ShapeRow.Bytes),
            LabelColumnName = label,
            Epochs = epochs,
            BatchSize = 16,
            Seed = 5,
            ThreadCount = 1,
            Precision = TrainingPrecision.Float32,
            CheckpointFolder = checkpoints,
            Progress = progress,
            CancellationToken = token,
            Calibrate = calibrate,
            RejectUnknown = rejectUnknown,
            Recipe = recipe ?? TrainingRecipe.Modern with { Augmentation = ImageAugmentation.None }, // a crop may cut a shape off
            InitialWeights = from,
            FitHeadFirst = headFirst,
            TrainableLayers = layers,
        };

    /// <summary>Trained once, for all tests.</summary>
    public sealed class TrainedModel : IDisposable
    {
        internal const int TestImages = 120, TestSeed = 2;

        public TrainedModel()
        {
            Test = Shapes.Load(Context, TestImages, TestSeed);
            Model = Context.MulticlassClassification.Trainers.ResNet(Options(epochs: 15)).Fit(Shapes.Load(Context, 800, 1), Test);
        }

        public MLContext Context { get; } = new(seed: 1);

        public IDataView Test { get; }

        public ResNetClassificationTransformer Model { get; }

        public void Dispose() => Model.Dispose();
    }
}
