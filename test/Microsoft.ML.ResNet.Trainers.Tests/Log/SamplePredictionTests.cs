using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Log;

/// <summary>What the network predicts of some validation images, while it learns.</summary>
public sealed class SamplePredictionTests(PretrainedTiny tiny) : IClassFixture<PretrainedTiny>, IProgress<TrainingProgress>
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly List<TrainingProgress> _reports = [];

    // All layers in batches; and the head on features, which knows of the images only where they were.
    [Theory]
    [InlineData(TrainableLayers.All)]
    [InlineData(TrainableLayers.Head)]
    public void TheLastOnesAreTheScoresOfTheTrainedModel(TrainableLayers layers)
    {
        var data = TrainingData.Vectors(_ml, perClass: 20);
        using var model = Fit(data, layers, samples: 5);

        var epochs = _reports.Where(report => report.Finished is not null).ToArray();
        Assert.Equal(3, epochs.Length);
        Assert.All(epochs, epoch => Assert.Equal(Rows(epochs[0]), Rows(epoch)));
        Assert.All(_reports.Where(report => report.Finished is null), report => Assert.Empty(report.Samples));
        Assert.NotEqual(epochs[0].Samples[0].Scores, epochs[2].Samples[0].Scores);
        Assert.Equal(5, Rows(epochs[0]).Distinct().Count());
        Assert.Equal(3, Rows(epochs[0]).Select(row => row / 20).Distinct().Count()); // twenty rows are of one class

        var scores = model.Transform(data).GetColumn<float[]>("Score").ToArray();
        foreach (var sample in epochs[2].Samples)
        {
            Assert.All(sample.Scores.Zip(scores[sample.Row]), pair => Assert.Equal(pair.Second, pair.First, 1e-4f));
        }
    }

    [Fact]
    public void NoMoreAreSampledThanAreValidated()
    {
        using var model = Fit(TrainingData.Vectors(_ml, perClass: 4), TrainableLayers.Head, samples: 50);

        Assert.Equal(3, model.History.ValidationImages);
        Assert.All(_reports, report => Assert.Equal(report.Finished is null ? 0 : 3, report.Samples.Length));
    }

    [Fact]
    public void ANumberBelowZeroIsRefused() => Assert.Contains(
        "Option SamplePredictions must be 0 or more.",
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Trainers.ResNet(
            new ResNetTrainer.Options { SamplePredictions = -1 })).Message,
        StringComparison.Ordinal);

    void IProgress<TrainingProgress>.Report(TrainingProgress value) => _reports.Add(value);

    private static IEnumerable<long> Rows(TrainingProgress report) => report.Samples.Select(sample => sample.Row);

    private ResNetClassificationTransformer Fit(IDataView data, TrainableLayers layers, int samples) =>
        TrainingData.Fit(_ml, data, new ResNetTrainer.Options
        {
            InitialWeights = tiny.Weights,
            TrainableLayers = layers,
            Recipe = TrainingRecipe.Modern with { Augmentation = ImageAugmentation.None },
            ValidationFraction = 0.25,
            Epochs = 3,
            LearningRate = 0.01,
            SamplePredictions = samples,
            Progress = this,
            Seed = 1,
        });
}
