using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class TrainingLoopTests
{
    private const int ImageCount = 64;
    private const int ValidationCount = 30;

    private static readonly LayerPlan Plan = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 3);

    // Nothing but steps: four epochs of four batches.
    private static readonly TrainingRecipe Plain =
        new() { Epochs = 4, BatchSize = 16, LearningRateDecay = LearningRateDecay.Step, LearningRateDropFactor = 1 };

    public TrainingLoopTests() => TorchRuntime.Initialize();

    [Fact]
    public void ALaterDivergenceReturnsTheLastGoodNetwork()
    {
        // Two epochs at 0.1, then a rate that no network survives.
        var schedule = LearningRateSchedule.Of(Plain with { LearningRateDrops = [0.5] }, 16) with { DropFactor = 1e30 };

        var (weights, end) = Run(Plain, schedule: schedule);
        var (good, untroubled) = Run(Plain with { Epochs = 2 });

        Assert.Equal(2, end.Epochs.Length);
        Assert.Contains("at a learning rate of 1e+29", end.StoppedEarly);
        Assert.Contains("The network of epoch 2 is returned", end.StoppedEarly);
        Assert.Null(untroubled.StoppedEarly);
        AssertSame(good, weights);
    }

    [Fact]
    public void TwoHalfBatchesMakeOneStep()
    {
        var (_, end) = Run(Plain with { BatchSize = 8, GradientAccumulationSteps = 2 });

        Assert.Equal(16, end.Step);
    }

    [Fact]
    public void AveragedGradientsAreThoseOfTheWholeBatch()
    {
        // A head alone has no batch normalization, so halves add up to the whole.
        var head = Plan.HeadOnly();
        var (whole, _) = Run(Plain with { Epochs = 1 }, head);
        var (halves, _) = Run(Plain with { Epochs = 1, BatchSize = 8, GradientAccumulationSteps = 2 }, head);

        Assert.All(whole.Tensors.Zip(halves.Tensors), pair => Assert.All(
            pair.First.Values.ToArray().Zip(pair.Second.Values.ToArray()),
            values => Assert.Equal(values.First, values.Second, tolerance: 1e-5f)));
    }

    [Fact]
    public void AStepMakesLittleGarbage()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.Parse("resnet20"), new ImageShape(3, 8, 8), 10);
        using var network = new ResidualNetwork(plan, StartingWeights.For(plan, given: null, seed: 1), TrainingPrecision.Float32);
        using var optimizer = Optimizer.Of(TrainingRecipe.Paper, OptimizedParameter.Of(network, 1, TrainingRecipe.Paper.WeightDecayScope));
        using var batch = new Batch(4, plan.Input.Size);
        batch.Reset(0, 4, plan.Input);
        batch.ImageValues.Clear();
        batch.LabelValues.Clear();
        var loss = new ClassificationLoss(0, weighted: false);
        var before = 0L;
        for (var step = -3; step < 10; step++)
        {
            if (step == 0)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            using (TorchSharp.torch.NewDisposeScope())
            {
                loss.Of(network.Forward(batch.Images, training: true), batch).backward();
            }

            optimizer.Step(0.1);
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 10, 0, 10_000);
    }

    [Fact]
    public void StepsEndARunInTheMiddleOfAnEpoch()
    {
        var (_, end) = Run(Plain with { Steps = 6 });

        Assert.Equal(6, end.Step);
        Assert.Equal(2, end.Epochs.Length);
    }

    [Fact]
    public void EarlyStoppingEndsAfterItsPatienceAndReturnsTheBestEpoch()
    {
        var stops = Plain with { Epochs = 40, EarlyStoppingPatience = 3, LearningRate = 0.2 };
        var (weights, end) = Run(stops);
        var best = end.Best.Best!.Epoch;
        var (expected, _) = Run(stops, stopAfter: best);

        Assert.InRange(end.Epochs.Length, best + 3, 39);
        Assert.Equal(best + 3, end.Epochs.Length);
        Assert.Contains($"the network of epoch {best} is returned", end.StoppedEarly);
        AssertSame(expected, weights);
    }

    [Fact]
    public void TheBestEpochIsKeptWhereAsked()
    {
        var recipe = Plain with { Epochs = 12, LearningRate = 0.3 };
        var (last, end) = Run(recipe);
        var (best, _) = Run(recipe with { KeepBestEpoch = true });
        var bestEpoch = end.Epochs.OrderByDescending(epoch => epoch.ValidationAccuracy)
            .ThenBy(epoch => epoch.ValidationLoss)
            .ThenBy(epoch => epoch.Epoch)
            .First().Epoch;
        var (expected, _) = Run(recipe, stopAfter: bestEpoch);

        AssertSame(expected, best);
        if (bestEpoch != end.Epochs.Length)
        {
            Assert.NotEqual(last.Tensors[0].Values.ToArray(), best.Tensors[0].Values.ToArray());
        }
    }

    [Fact]
    public void TheRateDropsOnAPlateau()
    {
        var (_, end) = Run(Plain with
        {
            Epochs = 30,
            LearningRate = 0.2,
            LearningRateDecay = LearningRateDecay.Plateau,
            LearningRateDropFactor = 0.5,
            PlateauPatience = 2,
            Metric = ValidationMetric.Loss,
        });

        // Replayed from the results: an epoch's rate is that after the drops before it.
        var (rate, best, since) = (0.2, double.PositiveInfinity, 0);
        foreach (var epoch in end.Epochs)
        {
            Assert.Equal(rate, epoch.LearningRate, tolerance: 1e-12);
            since = epoch.ValidationLoss < best ? 0 : since + 1;
            best = Math.Min(best, epoch.ValidationLoss!.Value);
            if (since == 2)
            {
                (rate, since) = (rate / 2, 0);
            }
        }

        Assert.True(rate < 0.2, "the rate never dropped");
    }

    [Fact]
    public void WarmsUpUntilTheAccuracyIsReached()
    {
        var (_, end) = Run(Plain with { Epochs = 30, WarmupUntilAccuracy = 0.6 });

        // Looked at every 50 steps, and an epoch has four.
        Assert.Equal(0.01, end.Epochs[0].LearningRate, tolerance: 1e-12);
        Assert.Equal(0.01, end.Epochs[11].LearningRate, tolerance: 1e-12);
        Assert.Equal(0.1, end.Epochs[^1].LearningRate, tolerance: 1e-12);
        Assert.True(end.WarmedUp);
    }

    [Fact]
    public void TheAverageIsValidatedAndReturned()
    {
        var (plain, _) = Run(Plain);
        var (averaged, end) = Run(Plain with { EmaDecay = 0.9 });

        Assert.NotEqual(plain.Tensors[0].Values.ToArray(), averaged.Tensors[0].Values.ToArray());
        Assert.All(averaged.Tensors, tensor => Assert.All(tensor.Values.ToArray(), value => Assert.True(float.IsFinite(value))));
        Assert.NotNull(end.Epochs[^1].ValidationLoss);
    }

    public static TheoryData<string, TrainingRecipe> Recipes => new()
    {
        { "plain", Plain },
        { "best epoch", Plain with { KeepBestEpoch = true, LearningRate = 0.3 } },
        { "average", Plain with { EmaDecay = 0.9, Nesterov = true } },
        { "AdamW", Plain with { Optimizer = OptimizerKind.AdamW, LearningRate = 0.002, GradientClipNorm = 1 } },
        { "Muon", Plain with { Optimizer = OptimizerKind.Muon, Nesterov = true, WeightDecay = 0.01 } },
        { "LARS", Plain with { Optimizer = OptimizerKind.Lars, LearningRate = 10 } },
        { "accumulation", Plain with { BatchSize = 8, GradientAccumulationSteps = 3 } },
        { "stochastic depth", Plain with { StochasticDepth = 0.5 } },
        { "balanced", Plain with { ClassBalance = ClassBalance.Sampling } },
        { "plateau", Plain with { LearningRateDecay = LearningRateDecay.Plateau, LearningRateDropFactor = 0.1, PlateauPatience = 1 } },
        { "warm-up", Plain with { Epochs = 13, WarmupUntilAccuracy = 0.5 } }, // looked at after 50 of 52 steps
        { "sizes", Plain with { ImageScales = [0.5, 1] } },
        {
            "distortions", Plain with
            {
                TrivialAugment = true,
                ColorNoise = 0.1,
                RandomErasing = 0.5,
                LabelSmoothing = 0.1,
                Mixup = 0.2,
                CutMix = 1,
                ClassBalance = ClassBalance.Weights,
            }
        },
    };

    [Theory]
    [MemberData(nameof(Recipes))]
    public void GoesOnFromAnyStepToTheSameWeights(string name, TrainingRecipe recipe)
    {
        var moments = new List<(TrainingState State, ResNetWeights Tensors)>();
        var (expected, end) = Run(
            recipe, checkpoint: (state, tensors) => moments.Add((state, new ResNetWeights(tensors))), interval: TimeSpan.FromTicks(1));

        Assert.True(moments.Count > 12, name);
        foreach (var moment in moments)
        {
            var (weights, again) = Run(recipe, from: moment);

            AssertSame(expected, weights);
            Assert.Equal(end.Epochs.Select(Timeless), again.Epochs.Select(Timeless));
            Assert.Equal(
                (end.Step, end.StoppedEarly, end.Plateaus, end.Best.EpochsSince),
                (again.Step, again.StoppedEarly, again.Plateaus, again.Best.EpochsSince));
        }
    }

    /// <summary>One stage more is trained from epoch to epoch: the step is planned again, and velocities stay.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GradualUnfreezingGoesOnFromAnyEpochToTheSameWeights(bool keepsStatistics)
    {
        var fineTuning = new FineTuning(TrainableLayers.All, EpochsPerUnfreezing: 1, LayerDecay: 1) { KeepsStatistics = keepsStatistics };
        var moments = new List<(TrainingState State, ResNetWeights Tensors)>();
        var (expected, _) = Run(
            Plain, fineTuning: fineTuning, checkpoint: (state, tensors) => moments.Add((state, new ResNetWeights(tensors))));

        Assert.Equal(Plain.Epochs, moments.Count);
        Assert.All(moments, moment => AssertSame(expected, Run(Plain, fineTuning: fineTuning, from: moment).Weights));
    }

    /// <summary>The CPU, told to be a GPU: batches are copied, autograd computes, values are read back. Nothing else changes.</summary>
    [Fact]
    public void OnADeviceTheWeightsAreThoseOfAutograd()
    {
        var recipe = Plain with { EmaDecay = 0.9, StochasticDepth = 0.3, LabelSmoothing = 0.1, GradientClipNorm = 1, Mixup = 0.2 };
        var (expected, onCpu) = Run(recipe, autograd: true);
        var (weights, end) = Run(recipe, device: NotReallyAGpu());

        AssertSame(expected, weights);
        Assert.Equal(onCpu.Epochs.Select(Timeless), end.Epochs.Select(Timeless));
    }

    [Fact]
    public void CheckpointsMoveBetweenDevices()
    {
        var moments = new List<(TrainingState State, ResNetWeights Tensors)>();
        var (expected, _) = Run(
            Plain, device: NotReallyAGpu(), checkpoint: (state, tensors) => moments.Add((state, new ResNetWeights(tensors))));
        var cpuMoments = new List<(TrainingState State, ResNetWeights Tensors)>();
        _ = Run(Plain, autograd: true, checkpoint: (state, tensors) => cpuMoments.Add((state, new ResNetWeights(tensors))));
        var (fromCpu, _) = Run(Plain, device: NotReallyAGpu(), from: cpuMoments[1]);
        var (fromDevice, _) = Run(Plain, autograd: true, from: moments[1]);

        Assert.All(moments, moment => Assert.Equal("cuda:0", moment.State.Device));
        Assert.All(cpuMoments, moment => Assert.Equal("cpu", moment.State.Device));
        AssertSame(expected, fromCpu);
        AssertSame(expected, fromDevice);
    }

    [Fact]
    public void OnAppleTheTrainingThreadCopies()
    {
        var device = TensorFactory.Fake(TrainingDevice.Mps, TorchSharp.torch.CPU);
        Assert.False(device.CopiesAhead);
        Assert.True(NotReallyAGpu().CopiesAhead);

        AssertSame(Run(Plain, autograd: true).Weights, Run(Plain, device: device).Weights);
    }

    private static TensorFactory NotReallyAGpu() => TensorFactory.Fake(TrainingDevice.Cuda(), TorchSharp.torch.CPU);

    private static EpochResult Timeless(EpochResult epoch) =>
        epoch with { Duration = default, ImagesPerSecond = 0, AugmentationTime = default, ValidationTime = default };

    private static void AssertSame(ResNetWeights expected, ResNetWeights actual)
    {
        Assert.Equal(expected.Tensors.Select(tensor => tensor.Name), actual.Tensors.Select(tensor => tensor.Name));
        Assert.All(
            expected.Tensors.Zip(actual.Tensors),
            pair => Assert.True(pair.First.Values.Span.SequenceEqual(pair.Second.Values.Span), $"{pair.First.Name} differs"));
    }

    private static (ResNetWeights Weights, TrainingState End) Run(
        TrainingRecipe recipe, LayerPlan? plan = null, LearningRateSchedule? schedule = null, int? stopAfter = null,
        Action<TrainingState, IEnumerable<WeightTensor>>? checkpoint = null, TimeSpan? interval = null,
        (TrainingState State, ResNetWeights Tensors)? from = null,
        TensorFactory? device = null, bool autograd = false, FineTuning? fineTuning = null)
    {
        plan ??= Plan;
        var images = Images(plan.Input);
        var augmentation = plan.Input.Height > 1 ? ImageAugmentation.CropAndFlip : ImageAugmentation.None;
        var settings = new TrainingSettings(
            recipe,
            augmentation,
            TrainingPrecision.Float32,
            fineTuning ?? new FineTuning(TrainableLayers.All, EpochsPerUnfreezing: 0, LayerDecay: 1),
            Seed: 1)
        {
            CheckpointInterval = interval ?? TimeSpan.FromDays(1),
            Tensors = device ?? TensorFactory.OnCpu,
            ForcesAutograd = autograd,
        };
        var length = TrainingLength.Of(recipe, ImageCount);
        using var threads = new TorchThreads(1);
        using var reporter = new TrainingReporter(new MLContext().Transforms.GetEnvironment().Register("test"), null);
        using var learner = new Learner<byte>(plan, ResNetWeights.Initialize(plan, 1), images, settings, length.Epochs);
        using var loop = new TrainingLoop<byte>(learner, settings, length, reporter)
        {
            Schedule = schedule ?? LearningRateSchedule.Of(recipe, length.Steps),
            Checkpoint = checkpoint ?? ((_, _) => { }),
        };
        if (from is { } moment)
        {
            loop.Restore(moment.State, moment.Tensors);
        }

        if (stopAfter is { } epoch)
        {
            // The schedule stays that of the whole run.
            TrainingState? state = null;
            ResNetWeights? tensors = null;
            _ = Run(recipe, plan, schedule, checkpoint: (at, all) =>
                (state, tensors) = at.Epochs.Length == epoch && at.Batch == 0 ? (at, new ResNetWeights(all)) : (state, tensors));
            loop.Restore(state! with { IsFinished = true }, tensors!);
        }

        return loop.Run();
    }

    private static TrainingImages<byte> Images(ImageShape shape)
    {
        var random = new Random(1);
        StoredImage<byte>[] images = [.. Enumerable.Range(0, ImageCount + ValidationCount).Select(i =>
            new StoredImage<byte>(shape.Height > 1
                ? Pictures.Draw(i % 3, shape.Height, shape.Width, shape.Channels, random)
                : RandomPixels(random, shape.Size), shape.Height, shape.Width, i % 3, 1))];
        var preprocessing = new ImagePreprocessing(
            shape, [.. Enumerable.Repeat(100f, shape.Channels)], [.. Enumerable.Repeat(50f, shape.Channels)]);
        return new TrainingImages<byte>([.. images[..ImageCount]], [.. images[ImageCount..]], preprocessing, Skipped: 0);
    }

    private static byte[] RandomPixels(Random random, int count)
    {
        var pixels = new byte[count];
        random.NextBytes(pixels);
        return pixels;
    }
}
