using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Loop;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class ChanceLevelTests
{
    private readonly MLContext _ml = new(1);

    [Theory]
    [InlineData(0.469, 1 / 3.0, 162, 4, true)]      // two epochs of photographs
    [InlineData(0.377, 1 / 3.0, 162, 2, false)]     // a learning rate of 1000
    [InlineData(0.5, 1 / 3.0, 18, 2, false)]        // nine of eighteen: luck
    [InlineData(0.5, 1 / 3.0, 1800, 2, true)]
    [InlineData(0.95, 0.95, 100000, 2, false)]      // always the largest class
    [InlineData(0.2, 1 / 3.0, 100000, 2, false)]    // worse is not better
    [InlineData(1, 0.5, 10, 2, true)]
    [InlineData(1, 1, 10, 2, false)]                // one class
    [InlineData(double.NaN, 0.5, 10, 2, false)]
    public void BetterIsWhatLuckDoesNotExplain(double accuracy, double chance, int images, int looks, bool isBetter) =>
        Assert.Equal(isBetter, ChanceLevel.IsBetter(accuracy, chance, images, looks));

    // The bound itself: of a thousand networks that know nothing, at most one in twenty may look as if it had learned.
    [Fact]
    public void NetworksThatKnowNothingSeldomPass()
    {
        const int images = 60, epochs = 20;
        var random = new Random(1);
        var passed = 0;
        for (var network = 0; network < 1000; network++)
        {
            var best = Enumerable.Range(0, epochs).Max(_ => Enumerable.Range(0, images).Count(_ => random.NextDouble() < 0.25));
            passed += ChanceLevel.IsBetter((double)best / images, 0.25, images, epochs) ? 1 : 0;
        }

        Assert.InRange(passed, 0, 50);
    }

    [Fact]
    public void ARunThatNeverBecameBetterIsWarnedOfAndRecorded()
    {
        using var model = Fit(learningRate: 1000, epochs: 1, out var warnings);

        Assert.StartsWith("The network never became clearly better than chance: it was right about ", model.History.NoBetterThanChance);
        Assert.Contains(warnings, warning => warning.Contains(model.History.NoBetterThanChance!, StringComparison.Ordinal));
    }

    [Fact]
    public void ARunThatLearnedIsNot()
    {
        using var model = Fit(learningRate: 0.05, epochs: 4, out var warnings);

        Assert.Null(model.History.NoBetterThanChance);
        Assert.DoesNotContain(warnings, warning => warning.Contains("better than chance", StringComparison.Ordinal));
    }

    // Three images are told apart by luck, too: a network that is right about all of them is not blamed.
    [Fact]
    public void ImagesThatAreTooFewToTellAreNotWarnedOf()
    {
        using var model = Fit(learningRate: 0.05, epochs: 4, out var warnings, perClass: 1);

        Assert.Equal(3, model.History.TrainingImages);
        Assert.Null(model.History.NoBetterThanChance);
        Assert.DoesNotContain(warnings, warning => warning.Contains("better than chance", StringComparison.Ordinal));
    }

    private ResNetClassificationTransformer Fit(double learningRate, int epochs, out List<string> warnings, int perClass = 60)
    {
        var heard = warnings = [];
        _ml.Log += (_, message) =>
        {
            if (message.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning)
            {
                heard.Add(message.Message);
            }
        };
        return _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            ImageColumnName = nameof(PixelRow.Bytes),
            InputShape = new ImageShape(3, 16, 16),
            Epochs = epochs,
            BatchSize = 16,
            LearningRate = learningRate,
            ThreadCount = 1,
            Precision = TrainingPrecision.Float32,
        }).Fit(TrainingData.Vectors(_ml, Pictures.Rows(perClass: perClass, height: 16, width: 16, channels: 3)));
    }
}
