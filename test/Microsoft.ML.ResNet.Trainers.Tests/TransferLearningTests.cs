using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Tests;

public sealed class TransferLearningTests : IClassFixture<PretrainedTiny>
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly IDataView _data;
    private readonly ResNetWeights _pretrained;

    public TransferLearningTests(PretrainedTiny tiny)
    {
        _data = TrainingData.Vectors(_ml, perClass: 20);
        _pretrained = tiny.Weights;
    }

    [Theory]
    [InlineData(TrainableLayers.Head, "fc.")]
    [InlineData(TrainableLayers.LastStage, "fc.", "layer2.")]
    [InlineData(TrainableLayers.All, "fc.", "layer2.", "layer1.", "conv1.", "bn1.")]
    public void ChangesTheTrainableLayersOnlyAndFreezesTheStatisticsOfTheRest(TrainableLayers trainable, params string[] prefixes)
    {
        using var model = Fit(new ResNetTrainer.Options { InitialWeights = _pretrained, TrainableLayers = trainable, Epochs = 1 });

        foreach (var (before, after) in _pretrained.Tensors.Zip(model.Weights.Tensors))
        {
            Assert.Equal(before.Name, after.Name);
            var changed = !before.Values.Span.SequenceEqual(after.Values.Span);
            Assert.True(
                changed == prefixes.Any(prefix => before.Name.StartsWith(prefix, StringComparison.Ordinal)),
                $"{before.Name} changed: {changed}");
        }
    }

    [Fact]
    public void TrainingTheHeadOnCachedFeaturesGivesTheSameNumbers()
    {
        var options = new ResNetTrainer.Options
        {
            InitialWeights = _pretrained,
            TrainableLayers = TrainableLayers.Head,
            Epochs = 3,
            LearningRate = 0.05,
            Recipe = TrainingRecipe.Modern with { Augmentation = ImageAugmentation.None },
        };
        using var cached = Fit(options);
        // One stage more is "unfrozen" after epochs that never come: frozen alike, but not cached.
        using var uncached = Fit(new ResNetTrainer.Options
        {
            InitialWeights = _pretrained,
            TrainableLayers = TrainableLayers.LastStage,
            EpochsPerUnfreezing = 100,
            Epochs = 3,
            LearningRate = 0.05,
            Recipe = TrainingRecipe.Modern with { Augmentation = ImageAugmentation.None },
        });

        Assert.All(cached.Weights.Tensors.Zip(uncached.Weights.Tensors), pair =>
            Assert.All(
                pair.First.Values.ToArray().Zip(pair.Second.Values.ToArray()),
                value => Assert.Equal(value.First, value.Second, tolerance: 1e-4)));
        Assert.All(
            cached.History.Epochs.Zip(uncached.History.Epochs), pair => Assert.Equal(pair.First.Loss, pair.Second.Loss, tolerance: 1e-4));
    }

    [Fact]
    public void AHeadForOtherClassesIsNewAndTheRestIsKept()
    {
        var two = TrainingData.Vectors(_ml, perClass: 20, classes: 2);
        using var model = Fit(
            new ResNetTrainer.Options { InitialWeights = _pretrained, TrainableLayers = TrainableLayers.Head, Epochs = 8 }, two);

        Assert.Equal(2, model.Plan.ClassCount);
        Assert.True(_pretrained["layer1.0.conv1.weight"].Values.Span.SequenceEqual(model.Weights["layer1.0.conv1.weight"].Values.Span));
        Assert.True(_ml.MulticlassClassification.Evaluate(model.Transform(two)).MicroAccuracy > 0.9);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void TheFirstConvolutionIsAdaptedToTheChannels(int channels)
    {
        var plan = LayerPlan.Create(TrainingData.Tiny, new ImageShape(channels, 16, 16), 3);

        var adapted = StartingWeights.For(plan, _pretrained, seed: 1)["conv1.weight"];

        // A grey image must give what its three equal colours gave.
        Assert.Equal([8, channels, 3, 3], adapted.Shape.AsEnumerable());
        float Sum(WeightTensor tensor) => tensor.Values.Span[..(tensor.Values.Length / tensor.Shape[0])].ToArray().Sum();
        if (channels == 1)
        {
            Assert.Equal(Sum(_pretrained["conv1.weight"]), Sum(adapted), tolerance: 1e-5);
        }
        else
        {
            var first = _pretrained["conv1.weight"].Values.Span[..9].ToArray();
            Assert.All(
                first.Zip(adapted.Values.Span[..9].ToArray()), pair => Assert.Equal(pair.First * 3 / 4, pair.Second, tolerance: 1e-6));
            Assert.All(
                first.Zip(adapted.Values.Span[27..36].ToArray()), pair => Assert.Equal(pair.First * 3 / 4, pair.Second, tolerance: 1e-6));
        }
    }

    [Fact]
    public void WeightsOfAnotherArchitectureAreRefusedAtConstruction()
    {
        var exception = Assert.ThrowsAny<ArgumentException>(() => _ml.MulticlassClassification.Trainers.ResNet(
            new ResNetTrainer.Options { Architecture = ResNetArchitecture.ResNet20, InitialWeights = _pretrained }));

        Assert.Contains("The weights are not those of resnet20", exception.Message);
        Assert.Contains("conv1.weight", exception.Message);
    }

    [Fact]
    public void FreezesStageByStageAndSlowsDownBlockByBlock()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), 10);
        string First(TrainableLayers trainable, int epoch, int every) =>
            plan.Layers[LayerDepth.FirstTrained(plan, trainable, epoch, every)].Name;

        Assert.Equal("avgpool", First(TrainableLayers.Head, 1, 0));
        Assert.Equal("layer3.0.conv1", First(TrainableLayers.LastStage, 1, 0));
        Assert.Equal("input", First(TrainableLayers.All, 1, 0));
        Assert.Equal(
            [
                "avgpool", "avgpool", "layer3.0.conv1", "layer3.0.conv1", "layer2.0.conv1", "layer2.0.conv1", "layer1.0.conv1",
                "layer1.0.conv1", "input",
            ],
            Enumerable.Range(1, 9).Select(epoch => First(TrainableLayers.All, epoch, 2)));
        Assert.Equal(
            ["avgpool", "layer3.0.conv1", "layer3.0.conv1"],
            Enumerable.Range(1, 3).Select(epoch => First(TrainableLayers.LastStage, epoch, 1)));

        var names = plan.Weights.Where(weight => weight.IsParameter).Select(weight => weight.Name).ToArray();
        var scales = LayerDepth.RateScales(plan, 0.5);
        double Scale(string name) => scales[Array.IndexOf(names, name)];
        Assert.Equal(1, Scale("fc.weight"));
        Assert.Equal(Scale("layer3.2.conv1.weight") / 2, Scale("layer3.1.conv1.weight"));
        Assert.Equal(Scale("layer1.0.conv1.weight") / 2, Scale("conv1.weight"));
    }

    [Fact]
    public void GoesOnFromASavedModelWithNewClasses()
    {
        using var folder = new TemporaryFolder();
        using (var model = Fit(new ResNetTrainer.Options { InitialWeights = _pretrained, Epochs = 1 }))
        {
            _ml.Model.Save(model, _data.Schema, folder["model.zip"]);
        }

        var saved = ResNetWeights.Load(folder["model.zip"]);
        var two = TrainingData.Vectors(_ml, perClass: 20, classes: 2);
        using var next = Fit(new ResNetTrainer.Options { InitialWeights = saved, TrainableLayers = TrainableLayers.Head, Epochs = 8 }, two);

        Assert.Equal(["lying", "standing", "diagonal"], saved.ClassNames.AsEnumerable());
        Assert.Equal(saved.Preprocessing!.Mean.AsEnumerable(), next.Preprocessing.Mean.AsEnumerable());
        Assert.True(_ml.MulticlassClassification.Evaluate(next.Transform(two)).MicroAccuracy > 0.9);
    }

    [Fact]
    public void AMeanImageOfAnotherSizeIsTakenAsItsMeanInEachChannel()
    {
        var weights = _pretrained.WithPreprocessing(new ImagePreprocessing(
            new ImageShape(3, 8, 8), [.. Enumerable.Range(0, 3 * 64).Select(i => 80f + i / 64)], [50, 60, 70]));

        using var model = Fit(new ResNetTrainer.Options { InitialWeights = weights, TrainableLayers = TrainableLayers.Head, Epochs = 1 });

        Assert.Equal([80f, 81f, 82f], model.Preprocessing.Mean.AsEnumerable());
        Assert.Equal([50f, 60f, 70f], model.Preprocessing.StandardDeviation.AsEnumerable());
    }

    private ResNetClassificationTransformer Fit(ResNetTrainer.Options options, IDataView? data = null) =>
        TrainingData.Fit(_ml, data ?? _data, options);
}
