using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests;

public sealed class HeadFirstTests : IClassFixture<PretrainedTiny>
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly IDataView _data;
    private readonly ResNetWeights _headless;

    public HeadFirstTests(PretrainedTiny tiny)
    {
        _data = TrainingData.Vectors(_ml, perClass: 20);
        _headless = new ResNetWeights(tiny.Weights.Tensors.Where(tensor => !tensor.Name.StartsWith("fc.", StringComparison.Ordinal)))
        {
            Preprocessing = tiny.Weights.Preprocessing,
        };
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void TheHeadIsFittedBeforeTheRestIsTrained(int copies)
    {
        // At this rate nothing else is learnt. Another seed: with the first one, a new head is that which the features were trained for.
        using var model = Fit(new ResNetTrainer.Options
        {
            InitialWeights = _headless,
            FitHeadFirst = true,
            HeadCopies = copies,
            Epochs = 1,
            LearningRate = 1e-9,
            Seed = 7,
            ValidationFraction = 0,
        });
        using var without = Fit(new ResNetTrainer.Options
        {
            InitialWeights = _headless,
            Epochs = 1,
            LearningRate = 1e-9,
            Seed = 7,
            ValidationFraction = 0,
        });

        Assert.True(Accuracy(model) > 0.9, $"{Accuracy(model):p1}");
        Assert.True(Accuracy(without) < 0.9, $"{Accuracy(without):p1}");
        Assert.All(
            _headless["layer2.0.conv1.weight"].Values.ToArray().Zip(model.Weights["layer2.0.conv1.weight"].Values.ToArray()),
            pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5));
    }

    [Fact]
    public void AHeadLearnsFromAugmentedCopiesToo()
    {
        using var model = Fit(new ResNetTrainer.Options
        {
            InitialWeights = _headless,
            TrainableLayers = TrainableLayers.Head,
            HeadCopies = 3,
            Epochs = 6,
            Seed = 1,
            ValidationFraction = 0,
        });
        using var once = Fit(new ResNetTrainer.Options
        {
            InitialWeights = _headless,
            TrainableLayers = TrainableLayers.Head,
            Epochs = 6,
            Seed = 1,
            ValidationFraction = 0,
        });

        Assert.True(Accuracy(model) > 0.9, $"{Accuracy(model):p1}");
        Assert.False(model.Weights["fc.weight"].Values.Span.SequenceEqual(once.Weights["fc.weight"].Values.Span));
        Assert.True(_headless["conv1.weight"].Values.Span.SequenceEqual(model.Weights["conv1.weight"].Values.Span));
    }

    [Fact]
    public void ARunThatWasStoppedGoesOnWithoutFittingTheHeadAgain()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        ResNetTrainer.Options Options(CancellationTokenSource? source) => new()
        {
            InitialWeights = _headless,
            FitHeadFirst = true,
            Epochs = 3,
            Seed = 5,
            ValidationFraction = 0,
            LearningRate = 0.01,
            CheckpointFolder = folder.Path,
            Progress = source is null ? null : new CancelAfterEpoch(1, source),
            CancellationToken = source?.Token ?? default,
        };

        Assert.ThrowsAny<OperationCanceledException>(() => Fit(Options(stop)));
        using var model = Fit(Options(null));

        Assert.Equal(3, model.History.Epochs.Length);
        Assert.True(Accuracy(model) > 0.9, $"{Accuracy(model):p1}");
    }

    // With moving statistics the same training changes each of them.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void StatisticsStayWhereTheyAreKeptWhileAllElseIsTrained(bool kept)
    {
        using var model = Fit(new ResNetTrainer.Options
        {
            InitialWeights = _headless,
            KeepBatchNormStatistics = kept,
            Epochs = 4,
            LearningRate = 0.02,
            Seed = 3,
            ValidationFraction = 0,
        });

        Assert.True(Accuracy(model) > 0.9, $"{Accuracy(model):p1}");
        var (statistics, parameters) = (0, 0);
        foreach (var start in _headless.Tensors.Where(tensor => !tensor.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
        {
            var isStatistic = start.Name.Contains("running_", StringComparison.Ordinal);
            Assert.Equal(isStatistic && kept, start.Values.Span.SequenceEqual(model.Weights[start.Name].Values.Span));
            _ = isStatistic ? statistics++ : parameters++;
        }

        Assert.True(statistics > 0 && parameters > 0);
    }

    [Fact]
    public void OptionsThatContradictEachOtherAreRefused()
    {
        Says("FitHeadFirst must be false where no weights are given", new ResNetTrainer.Options { FitHeadFirst = true });
        Says("HeadCopies must be at least 1", new ResNetTrainer.Options { HeadCopies = 0 });
        Says(
            "KeepBatchNormStatistics must be false where no weights are given",
            new ResNetTrainer.Options { KeepBatchNormStatistics = true });
        Says(
            "Recipe.PreciseBatchNormImages must be 0 with KeepBatchNormStatistics",
            new ResNetTrainer.Options
            {
                InitialWeights = _headless,
                KeepBatchNormStatistics = true,
                Recipe = TrainingRecipe.PaperImageNet,
            });
        Says(
            "Pretrained must be null where InitialWeights are given",
            new ResNetTrainer.Options { Pretrained = "resnet18", InitialWeights = _headless });
        Says("There are no pretrained weights 'resnet17'", new ResNetTrainer.Options { Pretrained = "resnet17" });

        void Says(string message, ResNetTrainer.Options options)
        {
            var exception = Assert.ThrowsAny<ArgumentException>(() => _ml.MulticlassClassification.Trainers.ResNet(options));
            Assert.Contains(message, exception.Message);
        }
    }

    private double Accuracy(ResNetClassificationTransformer model) =>
        _ml.MulticlassClassification.Evaluate(model.Transform(_data)).MicroAccuracy;

    private ResNetClassificationTransformer Fit(ResNetTrainer.Options options) => TrainingData.Fit(_ml, _data, options);
}
