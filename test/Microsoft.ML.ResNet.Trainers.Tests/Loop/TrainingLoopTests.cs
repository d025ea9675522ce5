using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class TrainingLoopTests
{
    public TrainingLoopTests() => TorchRuntime.Initialize();

    [Fact]
    public void ALaterDivergenceReturnsTheLastGoodNetwork()
    {
        // Two epochs at 0.1, then a rate that no network survives.
        var schedule = new LearningRateSchedule(0.1, TotalSteps: 16, WarmupSteps: 0, [0.5], DropFactor: 1e30);

        var (weights, epochs, stoppedEarly) = Run(schedule, epochs: 4);
        var (good, _, none) = Run(schedule with { DropFactor = 1 }, epochs: 2);

        Assert.Equal(2, epochs.Length);
        Assert.Contains("at a learning rate of 1e+29", stoppedEarly);
        Assert.Contains("The network of epoch 2 is returned", stoppedEarly);
        Assert.Null(none);
        Assert.All(good.Tensors.Zip(weights.Tensors), pair => Assert.True(pair.First.Values.Span.SequenceEqual(pair.Second.Values.Span)));
    }

    private static (ResNetWeights Weights, System.Collections.Immutable.ImmutableArray<EpochResult> Epochs, string? StoppedEarly) Run(LearningRateSchedule schedule, int epochs)
    {
        var plan = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 3);
        var preprocessing = new ImagePreprocessing(TrainingData.Shape, [100, 100, 100], [50, 50, 50]);
        var random = new Random(1);
        StoredImage<byte>[] images = [.. Enumerable.Range(0, 64).Select(i => new StoredImage<byte>(Pictures.Draw(i % 3, 16, 16, 3, random), 16, 16, i % 3, 1))];
        using var threads = new TorchThreads(1);
        using var network = new ResidualNetwork(plan, ResNetWeights.Initialize(plan, 1), TrainingPrecision.Float32);
        using var optimizer = new SgdOptimizer(network.Parameters, LayerDepth.RateScales(plan, 1), momentum: 0.9, weightDecay: 1e-4);
        using var loader = new BatchLoader<byte>(images, 16, preprocessing, new NoAugmentation(), shuffleSeed: 1);
        using var reporter = new TrainingReporter(new MLContext().Transforms.GetEnvironment().Register("test"), null);
        return new TrainingLoop<byte>(network, optimizer, schedule, loader, null, new ResNetTrainer.Options { Epochs = epochs }, reporter).Run();
    }
}
