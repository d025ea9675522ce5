using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>Recipes through the whole trainer.</summary>
public sealed class RecipeTrainingTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 3);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, TrainingRecipe> Recipes => new()
    {
        { "modern", TrainingRecipe.Modern with { Epochs = 12 } },
        { "fast", TrainingRecipe.Fast with { Epochs = 12 } },
        { "paper", TrainingRecipe.Paper with { Steps = 60 } },
        {
            "AdamW", TrainingRecipe.Modern with
            {
                Epochs = 12,
                Optimizer = OptimizerKind.AdamW,
                Nesterov = false,
                LearningRate = 0.01,
                GradientClipNorm = 5,
            }
        },
        { "LAMB", TrainingRecipe.Modern with { Epochs = 12, Optimizer = OptimizerKind.Lamb, Nesterov = false, LearningRate = 0.02 } },
        { "Muon", TrainingRecipe.Modern with { Epochs = 12, Optimizer = OptimizerKind.Muon } },
        {
            "heavy", TrainingRecipe.Modern with
            {
                Epochs = 30,
                TrivialAugment = true,
                RandomErasing = 0.1,
                Mixup = 0.2,
                CutMix = 1,
                StochasticDepth = 0.1,
                ColorNoise = 0.1,
            }
        },
        { "sizes", TrainingRecipe.Modern with { Epochs = 12, ImageScales = [0.5, 0.75, 1], PreciseBatchNormImages = 200 } },
    };

    [Theory]
    [MemberData(nameof(Recipes))]
    public void ARecipeLearns(string name, TrainingRecipe recipe)
    {
        var data = TrainingData.Vectors(_ml, perClass: 40);
        using var model = Fit(data, recipe);

        var accuracy = _ml.MulticlassClassification.Evaluate(
            model.Transform(TrainingData.Vectors(_ml, Pictures.Rows(20, 16, 16, 3, seed: 9)))).MicroAccuracy;
        Assert.True(accuracy > 0.9, $"{name}: {accuracy:p1}");
    }

    [Fact]
    public void WithTheMeanImageTrainingValidatesWhatTheModelScores()
    {
        var (data, other) = (TrainingData.Vectors(_ml, perClass: 20), TrainingData.Vectors(_ml, Pictures.Rows(10, 16, 16, 3, seed: 9)));
        using var model = Fit(data, TrainingRecipe.Paper with { Steps = 30 }, validation: other);

        Assert.Equal(3 * 16 * 16, model.Preprocessing.Mean.Length);
        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(other));
        Assert.Equal(model.History.Epochs[^1].ValidationAccuracy!.Value, metrics.MicroAccuracy, tolerance: 1e-9);
        Assert.Equal(model.History.Epochs[^1].ValidationLoss!.Value, metrics.LogLoss, tolerance: 1e-4);
    }

    [Fact]
    public void CalibrationLowersTheLogLossOnTheValidationImagesAndChangesNoPrediction()
    {
        var (data, other) = (TrainingData.Vectors(_ml, perClass: 12), TrainingData.Vectors(_ml, Pictures.Rows(20, 16, 16, 3, seed: 9)));
        var recipe = TrainingRecipe.Modern with { Epochs = 4 };
        using var plain = Fit(data, recipe, validation: other);
        using var calibrated = Fit(data, recipe, validation: other, calibrate: true);

        Assert.Equal(1, plain.History.Temperature);
        Assert.NotEqual(1, calibrated.History.Temperature);
        Assert.Equal(Predicted(plain, other), Predicted(calibrated, other));
        var (before, after) = (
            _ml.MulticlassClassification.Evaluate(plain.Transform(other)).LogLoss,
            _ml.MulticlassClassification.Evaluate(calibrated.Transform(other)).LogLoss);
        Assert.True(after < before - 1e-4, $"{before} → {after}");
    }

    [Fact]
    public void ClassesWithFewImagesAreFoundWhereTheyAreBalanced()
    {
        PixelRow[] rows =
        [
            .. Pictures.Rows(60, 16, 16, 3, classes: 3).Where((row, i) => row.Name != Pictures.ClassNames[2] || i % 15 == 0),
        ];
        var (data, test) = (TrainingData.Vectors(_ml, rows), TrainingData.Vectors(_ml, Pictures.Rows(20, 16, 16, 3, seed: 9)));
        foreach (var balance in (ClassBalance[])[ClassBalance.Weights, ClassBalance.Sampling])
        {
            using var model = Fit(data, TrainingRecipe.Modern with { Epochs = 15, ClassBalance = balance });
            var recall = _ml.MulticlassClassification.Evaluate(model.Transform(test)).ConfusionMatrix.PerClassRecall;
            Assert.True(recall.Min() > 0.7, $"{balance}: {string.Join(", ", recall)}");
        }
    }

    [Fact]
    public void TheLogHoldsEveryEpochOfARunInTwoSittings()
    {
        var data = TrainingData.Vectors(_ml, perClass: 20);
        using var cancellation = new CancellationTokenSource();
        ResNetTrainer.Options Options(IProgress<TrainingProgress>? progress, CancellationToken token) => new()
        {
            Architecture = TrainingData.Tiny, InputShape = TrainingData.Shape, ImageColumnName = nameof(PixelRow.Bytes),
            Epochs = 5, BatchSize = 16, Seed = 5, ThreadCount = 1, Precision = TrainingPrecision.Float32,
            CheckpointFolder = _folder["checkpoints"], LogFolder = _folder["log"], Progress = progress, CancellationToken = token,
        };
        Assert.ThrowsAny<OperationCanceledException>(() =>
            _ml.MulticlassClassification.Trainers.ResNet(Options(new CancelAfterEpoch(2, cancellation), cancellation.Token)).Fit(data));

        using var model = _ml.MulticlassClassification.Trainers.ResNet(Options(null, default)).Fit(data);

        var logged = TrainingHistory.LoadJson(_folder["log/history.json"]);
        Assert.Equal(model.History.Epochs.AsEnumerable(), logged.Epochs);
        Assert.Equal((5, 5, 54, 6), (logged.Epochs.Length, logged.Seed, logged.TrainingImages, logged.ValidationImages));
        Assert.Equal(6, File.ReadAllLines(_folder["log/history.csv"]).Length);
    }

    [Fact]
    public void TheSuggestedLearningRateTrains()
    {
        var data = TrainingData.Vectors(_ml, perClass: 40);
        var search = Trainer(TrainingRecipe.Modern with { Epochs = 12 }).FindLearningRate(data);
        var again = Trainer(TrainingRecipe.Modern with { Epochs = 12 }).FindLearningRate(data);

        Assert.InRange(search.Suggested, 1e-4, 1);
        Assert.Equal(search.Rates.Length, search.Losses.Length);
        Assert.Equal(search.Losses.AsEnumerable(), again.Losses);
        Assert.True(search.Losses[0] > search.Losses.Min() + 0.1, $"{search.Losses[0]} → {search.Losses.Min()} at {search.Suggested}");
        using var model = Fit(data, TrainingRecipe.Modern with { Epochs = 12, LearningRate = search.Suggested });
        Assert.True(_ml.MulticlassClassification.Evaluate(model.Transform(data)).MicroAccuracy > 0.9);
    }

    [Fact]
    public void WhatNeedsValidationImagesSaysSo()
    {
        var data = TrainingData.Vectors(_ml);
        var exception =
            Assert.Throws<InvalidOperationException>(() => _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = TrainingData.Tiny, InputShape = TrainingData.Shape, ImageColumnName = nameof(PixelRow.Bytes),
                ValidationFraction = 0, Recipe = new TrainingRecipe { EarlyStoppingPatience = 3 },
            }).Fit(data));

        Assert.Contains("need validation images", exception.Message);
    }

    private ResNetTrainer Trainer(TrainingRecipe recipe, bool calibrate = false) =>
        _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            ImageColumnName = nameof(PixelRow.Bytes),
            Recipe = recipe with { BatchSize = 16 },
            Precision = TrainingPrecision.Float32,
            ThreadCount = 1,
            Seed = 5,
            Calibrate = calibrate,
        });

    private ResNetClassificationTransformer Fit(IDataView data, TrainingRecipe recipe, IDataView? validation = null,
        bool calibrate = false) => Trainer(recipe, calibrate).Fit(data, validation);

    private static uint[] Predicted(ResNetClassificationTransformer model, IDataView data) =>
        [.. model.Transform(data).GetColumn<uint>("PredictedLabel")];
}
