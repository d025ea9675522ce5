using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.Transforms.Onnx;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests;

public sealed class ResNetTrainerTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ATinyNetworkOverfits64Images()
    {
        var data = TrainingData.Vectors(_ml, [.. Pictures.Rows(perClass: 22, 16, 16, 3).Take(64)]);
        using var model = Fit(data, epochs: 40, augmentation: ImageAugmentation.None);

        Assert.Equal(1, _ml.MulticlassClassification.Evaluate(model.Transform(data)).MicroAccuracy);
    }

    [Fact]
    public void LearnsImageFilesAndClassifiesNewOnes()
    {
        Pictures.Write(_folder["train"], perClass: 40, height: 20, width: 24, seed: 1);
        Pictures.Write(_folder["test"], perClass: 10, height: 20, width: 24, seed: 2);
        var train = _ml.Data.LoadImageFolder(_folder["train"]);
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(_ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = TrainingData.Tiny,
                InputShape = TrainingData.Shape,
                Epochs = 15,
                BatchSize = 16,
            }))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));

        using var model = pipeline.Fit(train);
        var scored = model.Transform(_ml.Data.LoadImageFolder(_folder["test"]));

        Assert.True(_ml.MulticlassClassification.Evaluate(scored).MicroAccuracy > 0.9);
        var wrong = scored.GetColumn<string>("ImagePath")
            .Select(path => Path.GetFileName(Path.GetDirectoryName(path)))
            .Zip(scored.GetColumn<string>("PredictedLabelText"))
            .Count(pair => pair.First != pair.Second);
        Assert.True(wrong <= 3);
    }

    [Fact]
    public void ValidationAccuracyIsTheAccuracyOfTheSavedModel()
    {
        // Images that must be reduced, so that every stage of reading has something to do.
        Pictures.Write(_folder["train"], perClass: 30, height: 70, width: 90, seed: 1);
        Pictures.Write(_folder["valid"], perClass: 20, height: 70, width: 90, seed: 2);
        var train = TrainingData.Images(_ml, _folder["train"]);
        var validation = TrainingData.Images(_ml, _folder["valid"]);

        using var model = Trainer(epochs: 3).Fit(train, validation);

        Assert.Equal(4, model.Preprocessing.Supersampling);
        Assert.Equal((90, 60), (model.History.TrainingImages, model.History.ValidationImages));
        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(validation));
        Assert.Equal(model.History.Epochs[^1].ValidationAccuracy!.Value, metrics.MicroAccuracy, tolerance: 1e-9);
        Assert.Equal(model.History.Epochs[^1].ValidationLoss!.Value, metrics.LogLoss, tolerance: 1e-2);
    }

    [Fact]
    public void TheSameSeedOnOneThreadGivesTheSameWeights()
    {
        var data = TrainingData.Vectors(_ml, perClass: 20);

        static ImmutableArray<float> Values(ResNetClassificationTransformer model) =>
            [.. model.Weights.Tensors.SelectMany(tensor => tensor.Values.ToArray())];
        using var first = Fit(data, seed: 7, threads: 1);
        using var second = Fit(data, seed: 7, threads: 1);
        using var other = Fit(data, seed: 8, threads: 1);

        Assert.True(Values(first).SequenceEqual(Values(second)));
        Assert.False(Values(first).SequenceEqual(Values(other)));
        Assert.Equal(7, first.History.Seed);
    }

    [Fact]
    public void TakesTheContextsSeedAndItsOptionsOfOnnxRuntime()
    {
        var data = TrainingData.Vectors(_ml);
        var sessions = 0;
        var ml = new MLContext(seed: 99);
        var trainer = ml.MulticlassClassification.Trainers.ResNet(WithSeed(null));
        ml.SetOnnxSessionOption(new OnnxSessionOptions { CreateSessionOptions = Create });
        using var model = trainer.Fit(data);

        Assert.Equal(99, model.History.Seed);
        Assert.Equal(1, sessions);

        SessionOptions Create()
        {
            sessions++;
            return new SessionOptions { IntraOpNumThreads = 1 };
        }
    }

    [Fact]
    public void NoTensorIsLeftBehindAndNoneGathersFromEpochToEpoch()
    {
        var data = TrainingData.Vectors(_ml, perClass: 20);
        using (Fit(data))
        {
            // What is made once for the process is made now.
        }

        var before = LiveTensors.CountBefore();
        var counts = new List<long>();
        using (Fit(data, epochs: 5, progress: new Recorder(progress => counts.Add(torch.Tensor.TotalCount), finishedOnly: true)))
        {
            Assert.Equal(before, torch.Tensor.TotalCount);
        }

        Assert.Equal(5, counts.Count);
        Assert.Single(counts.Distinct());
    }

    [Fact]
    public void HonoursExampleWeights()
    {
        // Half of the examples are mislabelled, and weigh nothing.
        var rows = Pictures.Rows(perClass: 30, 16, 16, 3);
        PixelRow[] mixed = [.. rows, .. rows.Select(row => new PixelRow
        {
            Name = Pictures.ClassNames[(Array.IndexOf(Pictures.ClassNames, row.Name) + 1) % 3],
            Bytes = row.Bytes,
            Floats = row.Floats,
            Weight = 0,
        })];
        var trainer = _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny, InputShape = TrainingData.Shape,
            ImageColumnName = nameof(PixelRow.Floats), ExampleWeightColumnName = nameof(PixelRow.Weight),
            Epochs = 20, BatchSize = 16, ValidationFraction = 0,
        });

        using var model = trainer.Fit(TrainingData.Vectors(_ml, mixed));

        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(TrainingData.Vectors(_ml, rows)));
        Assert.True(metrics.MicroAccuracy > 0.9, $"accuracy {metrics.MicroAccuracy}");
    }

    [Fact]
    public void LearnsGrayscaleImagesAndOneChannelVectors()
    {
        Pictures.Write(_folder.Path, perClass: 20, height: 16, width: 16);
        using (var model = _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = new ImageShape(1, 16, 16),
            Epochs = 1,
            BatchSize = 16,
        }).Fit(TrainingData.Images(_ml, _folder.Path)))
        {
            Assert.Equal(1, model.Plan.Input.Channels);
        }

        var rows = Pictures.Rows(perClass: 20, 16, 16, channels: 1);
        var view = TrainingData.Vectors(_ml, rows);
        using var gray = _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny, InputShape = new ImageShape(1, 16, 16),
            ImageColumnName = nameof(PixelRow.Bytes), Epochs = 20, BatchSize = 16, ValidationFraction = 0,
        }).Fit(view);

        Assert.True(_ml.MulticlassClassification.Evaluate(gray.Transform(view)).MicroAccuracy > 0.9);
    }

    [Fact]
    public void TakesTheShapeThatExtractPixelsPutsInTheType()
    {
        Pictures.Write(_folder.Path, perClass: 6, height: 16, width: 16);
        var images = TrainingData.Images(_ml, _folder.Path);
        var pixels = _ml.Transforms.ExtractPixels("Pixels", "Image", outputAsFloatArray: false);
        // ResizeImages tells ExtractPixels how large the images are.
        var data = _ml.Transforms.ResizeImages("Image", 16, 16).Append(pixels).Fit(images).Transform(images);

        using var model = _ml.MulticlassClassification.Trainers.ResNet(
            new ResNetTrainer.Options { Architecture = TrainingData.Tiny, ImageColumnName = "Pixels", Epochs = 1, BatchSize = 8 })
            .Fit(data);

        Assert.Equal(new ImageShape(3, 16, 16), model.Plan.Input);
    }

    [Fact]
    public void MeasuresPreprocessingUnlessItIsGiven()
    {
        var data = TrainingData.Vectors(_ml);
        using var measured = Fit(data);
        Assert.All(measured.Preprocessing.Mean, mean => Assert.InRange(mean, 60, 140));

        using var given = _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny, InputShape = TrainingData.Shape, ImageColumnName = nameof(PixelRow.Bytes),
            Epochs = 1, BatchSize = 16, PixelMean = [1, 2, 3], PixelStandardDeviation = [4, 5, 6],
        }).Fit(data);
        Assert.Equal([1f, 2f, 3f], given.Preprocessing.Mean.AsEnumerable());
        Assert.Equal([4f, 5f, 6f], given.Preprocessing.StandardDeviation.AsEnumerable());
    }

    [Fact]
    public void ReportsProgressAndHistory()
    {
        var data = TrainingData.Vectors(_ml, perClass: 20);
        var reports = new List<TrainingProgress>();
        var logged = new List<string>();
        _ml.Log += (_, message) => logged.Add(message.Message);

        using var model = Fit(data, epochs: 3, progress: new Recorder(reports.Add, finishedOnly: false));

        var finished = reports.Where(report => report.Finished is not null).ToArray();
        Assert.Equal([1, 2, 3], finished.Select(report => report.Epoch));
        Assert.Equal(model.History.Epochs, finished.Select(report => report.Finished!));
        Assert.Equal(reports[^1].Steps, reports[^1].Step);
        Assert.Equal(TimeSpan.Zero, reports[^1].TimeLeft);
        Assert.All(model.History.Epochs, epoch =>
        {
            Assert.True(double.IsFinite(epoch.Loss) && epoch.ImagesPerSecond > 0 && epoch.Duration > TimeSpan.Zero);
            Assert.InRange(epoch.Accuracy, 0, 1);
            Assert.InRange(epoch.ValidationAccuracy!.Value, 0, 1);
        });
        Assert.Equal([0.1, 0.01, 0.001], model.History.Epochs.Select(epoch => Math.Round(epoch.LearningRate, 6)));
        Assert.Equal((54, 6), (model.History.TrainingImages, model.History.ValidationImages));
        Assert.Contains(logged, line => line.Contains("Epoch 3/3"));
    }

    [Fact]
    public void StopsWithinAStepWhenCancelled()
    {
        using var source = new CancellationTokenSource();
        var data = TrainingData.Vectors(_ml, perClass: 40);
        var steps = new List<long>();
        var progress = new Recorder(report =>
        {
            steps.Add(report.Step);
            source.Cancel();
        }, finishedOnly: true);

        Assert.ThrowsAny<OperationCanceledException>(() => Fit(data, epochs: 1000, progress: progress, cancellation: source.Token));
        Assert.Single(steps);
    }

    [Fact]
    public void ADivergingFirstEpochSaysAtWhichStepAndRate()
    {
        var exception = Assert.Throws<TrainingDivergedException>(() => Fit(TrainingData.Vectors(_ml, perClass: 40), learningRate: 1e30));

        Assert.InRange(exception.Step, 1, 10);
        Assert.Equal(1e30, exception.LearningRate);
        Assert.Contains($"step {exception.Step}, at a learning rate of 1e+30", exception.Message);
    }

    [Fact]
    public void MixedPrecisionLearnsToo()
    {
        var data = TrainingData.Vectors(_ml, perClass: 22);
        using var model = Fit(data, epochs: 30, augmentation: ImageAugmentation.None, precision: TrainingPrecision.BFloat16);

        Assert.True(_ml.MulticlassClassification.Evaluate(model.Transform(data)).MicroAccuracy > 0.95);
    }

    // The steps and nothing else of the paper's recipe.
    private static readonly TrainingRecipe Plain = new() { LearningRateDecay = LearningRateDecay.Step };

    private static ResNetTrainer.Options WithSeed(int? seed) => new()
    {
        Architecture = TrainingData.Tiny,
        InputShape = TrainingData.Shape,
        ImageColumnName = nameof(PixelRow.Bytes),
        Epochs = 1,
        BatchSize = 16,
        Seed = seed,
    };

    private ResNetTrainer Trainer(int epochs) => _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = TrainingData.Tiny, InputShape = TrainingData.Shape,
        Epochs = epochs, BatchSize = 16, Seed = 5, Precision = TrainingPrecision.Float32,
    });

    private ResNetClassificationTransformer Fit(
        IDataView data, int epochs = 2, int seed = 5, int? threads = null, double learningRate = 0.1,
        ImageAugmentation augmentation = ImageAugmentation.Auto,
        TrainingPrecision precision = TrainingPrecision.Float32,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            ImageColumnName = nameof(PixelRow.Bytes),
            Epochs = epochs,
            BatchSize = 16,
            LearningRate = learningRate,
            Recipe = Plain with { Augmentation = augmentation },
            Precision = precision,
            ThreadCount = threads,
            Seed = seed,
            Progress = progress,
            CancellationToken = cancellation,
        }).Fit(data);

    private sealed class Recorder(Action<TrainingProgress> record, bool finishedOnly) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (!finishedOnly || value.Finished is not null)
            {
                record(value);
            }
        }
    }
}
