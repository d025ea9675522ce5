using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Checkpoints;

/// <summary>What a user sees of checkpoints: the same pipeline, started again.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 3);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _data;

    public ResumeTests() => _data = TrainingData.Vectors(_ml, perClass: 20);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ACancelledRunGoesOnToTheSameWeights()
    {
        using var untroubled = Fit(Options(folder: null));
        using var cancellation = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(
            () => Fit(Options(_folder.Path, progress: new CancelAfterEpoch(2, cancellation), cancellation: cancellation.Token)));

        using var resumed = Fit(Options(_folder.Path));

        AssertSame(untroubled, resumed);
        Assert.Equal(
            untroubled.History.Epochs.Select(epoch => (epoch.Epoch, epoch.Loss, epoch.ValidationLoss)),
            resumed.History.Epochs.Select(epoch => (epoch.Epoch, epoch.Loss, epoch.ValidationLoss)));
    }

    [Fact]
    public void AFinishedRunIsNotTrainedAgain()
    {
        using var first = Fit(Options(_folder.Path));
        var reports = new List<TrainingProgress>();

        using var second = Fit(Options(_folder.Path, progress: new Recorder(reports)));

        AssertSame(first, second);
        Assert.Empty(reports);
    }

    [Fact]
    public void TheSeedOfARunWithoutOneIsTheCheckpoints()
    {
        var ml = new MLContext();
        using var first = Fit(Options(_folder.Path, seed: null), ml);
        using var second = Fit(Options(_folder.Path, seed: null), ml);

        Assert.Equal(first.History.Seed, second.History.Seed);
        AssertSame(first, second);
    }

    [Fact]
    public void OutOfTimeItReturnsWhatThereIsAndGoesOnInTheNextCall()
    {
        using var untroubled = Fit(Options(folder: null));

        using var stopped = Fit(Options(_folder.Path, maxDuration: TimeSpan.FromTicks(1)));
        using var resumed = Fit(Options(_folder.Path));

        Assert.Contains("MaxDuration", stopped.History.StoppedEarly);
        Assert.Single(stopped.History.Epochs);
        Assert.Null(resumed.History.StoppedEarly);
        AssertSame(untroubled, resumed);
    }

    [Fact]
    public void TheHeadOnCachedFeaturesGoesOnToo()
    {
        using var pretrained = Fit(Options(folder: null));
        var head = Options(folder: null);
        using var untroubled = Fit(Head(null));
        using var stopped = Fit(Head(_folder.Path, maxDuration: TimeSpan.FromTicks(1)));

        using var resumed = Fit(Head(_folder.Path));

        AssertSame(untroubled, resumed);

        ResNetTrainer.Options Head(string? folder, TimeSpan? maxDuration = null) => new()
        {
            Architecture = TrainingData.Tiny, InputShape = TrainingData.Shape,
            ImageColumnName = nameof(PixelRow.Bytes), BatchSize = 16, Epochs = 3, Seed = 5, Precision = TrainingPrecision.Float32,
            ThreadCount = 1, InitialWeights = pretrained.Weights,
            TrainableLayers = TrainableLayers.Head, CheckpointFolder = folder, MaxDuration = maxDuration,
        };
    }

    [Fact]
    public void AnotherRunsCheckpointsAreRefusedWithTheDifferences()
    {
        Fit(Options(_folder.Path)).Dispose();

        var recipe = Assert.Throws<InvalidOperationException>(
            () => Fit(Options(_folder.Path, recipe: Recipe with { LearningRate = 0.05, Nesterov = false })));
        var data =
            Assert.Throws<InvalidOperationException>(() => Fit(Options(_folder.Path), data: TrainingData.Vectors(_ml, perClass: 21)));
        var architecture = Assert.Throws<InvalidOperationException>(
            () => Fit(Options(_folder.Path, architecture: TrainingData.Tiny with { Name = "other", BaseWidth = 4 })));
        var seed = Assert.Throws<InvalidOperationException>(() => Fit(Options(_folder.Path, seed: 6)));

        Assert.Contains("- LearningRate is 0.05, was 0.1", recipe.Message);
        Assert.Contains("- Nesterov is false, was true", recipe.Message);
        Assert.DoesNotContain("Seed", recipe.Message);
        Assert.Contains("- Number of training images is 57, was 54", data.Message);
        Assert.Contains("- Architecture is other, was tiny", architecture.Message);
        Assert.Contains("- Seed is 6, was 5", seed.Message);
        Assert.All(
            [recipe, data, architecture, seed], exception => Assert.Contains("set Resume to Never to start anew", exception.Message));
        Fit(Options(_folder.Path, seed: 6, resume: Resume.Never)).Dispose();
    }

    [Fact]
    public void ADamagedCheckpointCostsOnlyTheStepsSinceTheOneBefore()
    {
        using var untroubled = Fit(Options(folder: null));
        var warnings = new List<string>();
        _ml.Log += (_, entry) => warnings.Add(entry.Message);
        Fit(Options(_folder.Path, keep: 10)).Dispose();
        var newest = Directory.GetFiles(_folder.Path, "checkpoint-*").Order(StringComparer.Ordinal).Last();
        File.WriteAllText(newest, "damaged");

        using var resumed = Fit(Options(_folder.Path, keep: 10));

        AssertSame(untroubled, resumed);
        Assert.Contains(warnings, warning => warning.Contains(newest) && warning.Contains("damaged and passed over"));
    }

    private static readonly TrainingRecipe Recipe = TrainingRecipe.Modern with { Epochs = 4, BatchSize = 16 };

    private static ResNetTrainer.Options Options(
        string? folder, TrainingRecipe? recipe = null, ResNetArchitecture? architecture = null, int? seed = 5, Resume resume = Resume.Auto,
        int keep = 2,
        TimeSpan? maxDuration = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) => new()
        {
            Architecture = architecture ?? TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            ImageColumnName = nameof(PixelRow.Bytes),
            Recipe = recipe ?? Recipe,
            Precision = TrainingPrecision.Float32,
            ThreadCount = 1,
            Seed = seed,
            CheckpointFolder = folder,
            CheckpointsToKeep = keep,
            Resume = resume,
            MaxDuration = maxDuration,
            Progress = progress,
            CancellationToken = cancellation,
        };

    private ResNetClassificationTransformer Fit(ResNetTrainer.Options options, MLContext? ml = null, IDataView? data = null) =>
        (ml ?? _ml).MulticlassClassification.Trainers.ResNet(options).Fit(data ?? _data);

    private static void AssertSame(ResNetClassificationTransformer expected, ResNetClassificationTransformer actual) =>
        Assert.All(
            expected.Weights.Tensors.Zip(actual.Weights.Tensors),
            pair => Assert.True(pair.First.Values.Span.SequenceEqual(pair.Second.Values.Span), $"{pair.First.Name} differs"));

    private sealed class Recorder(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reports.Add(value);
    }
}
