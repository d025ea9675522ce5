using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Compiled;

/// <summary>The compiled step against autograd, which is the reference.</summary>
public sealed class CompiledStepTests
{
    // A value next to zero may fall on either side of a ReLU, by the order of sums: then one position's gradient differs. What is wrong is
    // wrong from every start, so one start of a few must agree.
    private const int Starts = 6;
    private const double Tolerance = 3e-5; // of a gradient's length

    // A normalization whose result is normalized again, channel by channel, has a gradient of zero but for rounding.
    private const double LeastLength = 0.05;

    private static readonly LayerPlan Tiny = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 5);

    public CompiledStepTests() => TorchRuntime.Initialize();

    // Rows that differ in depth only are one here.
    public static TheoryData<string> Networks =>
        [.. ResNetArchitecture.All.DistinctBy(each => Shortened(each) with { Name = "", Depths = [] }).Select(each => each.Name)];

    [Theory]
    [MemberData(nameof(Networks))]
    public void GradientsAreAutogradsForEveryKindOfNetwork(string name)
    {
        var architecture = Shortened(ResNetArchitecture.Parse(name));
        var side = architecture.Stem == StemKind.SmallImage ? 16 : 33;
        AssertAgrees(LayerPlan.Create(architecture, new ImageShape(3, side, side), 5));
    }

    [Theory]
    [InlineData(ShortcutKind.None, true, 0)]
    [InlineData(ShortcutKind.None, false, 4)]
    [InlineData(ShortcutKind.A, false, 4)]
    [InlineData(ShortcutKind.C, false, 0)]
    [InlineData(ShortcutKind.C, true, 4)]
    [InlineData(ShortcutKind.D, false, 4)]
    public void GradientsAreAutogradsForComposedNetworks(ShortcutKind shortcut, bool preActivation, int squeeze) =>
        AssertAgrees(LayerPlan.Create(
            TrainingData.Tiny with
            {
                Shortcut = shortcut,
                Block = preActivation ? BlockKind.PreActivationBasic : BlockKind.Basic,
                SqueezeReduction = squeeze,
                BaseWidth = 12,
            },
            new ImageShape(3, 11, 9),
            5));

    [Fact]
    public void GradientsAreAutogradsForAHeadAlone() => AssertAgrees(Tiny.HeadOnly());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyNumberOfWorkersGivesTheSameGradients(int workers) => AssertAgrees(Tiny, workers: workers);

    [Fact]
    public void LabelsAreSmoothedMixedAndWeighted() => AssertAgrees(Tiny, smoothing: 0.2, ownShare: 0.7f, weighted: true);

    [Theory]
    [InlineData(0.0, 1f, false, false)]
    [InlineData(0.2, 0.7f, true, false)]
    [InlineData(0.2, 0.7f, true, true)]
    public void GradientsAreAutogradsForAnyNumberOfLabels(double smoothing, float ownShare, bool weighted, bool balanced)
    {
        using var threads = new TorchThreads(2);
        var plan = Tiny.HeadOnly();
        var labelSets = new LabelSets(plan.ClassCount);
        for (var set = 0; set < plan.ClassCount; set++)
        {
            labelSets.NumberOf([(set & 1) > 0, (set & 2) > 0, (set & 4) > 0, true, false]);
        }

        var start = ResNetWeights.Initialize(plan, 1);
        using var network = new ResidualNetwork(plan, start, TrainingPrecision.Float32);
        using var reference = new ResidualNetwork(plan, start, TrainingPrecision.Float32);
        var labelWeights = balanced ? LabelWeights.Of(labelSets, [.. Enumerable.Range(0, plan.ClassCount), 1]) : null;
        using var step = new CompiledStep(network, smoothing, weighted, capacity: 7) { LabelSets = labelSets, LabelWeights = labelWeights };
        using var batch = MakeBatch(plan, 7, 1);
        batch.OwnShare = ownShare;
        using var loss = new LabelLoss(labelSets, smoothing, weighted, labelWeights, TensorFactory.OnCpu);

        var (actual, correct) = step.Run(batch, 1, accumulates: false);
        var (expected, gradients) = Autograd(reference, batch, loss);

        Assert.Equal(expected, actual, tolerance: 1e-4);
        Assert.Equal(0, Difference(gradients, step.Gradients), Tolerance);
        using var scope = NewDisposeScope();
        Assert.Equal(loss.Correct(reference.Forward(batch.Images, training: true), batch).item<long>(), correct);
    }

    [Fact]
    public void StochasticDepthSkipsTheSameBlocks() => AssertAgrees(Tiny, stochasticDepth: 0.5);

    [Fact]
    public void BatchesOfAStepAddUp()
    {
        using var threads = new TorchThreads(2);
        using var network = new ResidualNetwork(Tiny, ResNetWeights.Initialize(Tiny, 1), TrainingPrecision.Float32);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 7);
        using var batch = MakeBatch(Tiny, 7, 1);
        step.Run(batch, 1, accumulates: false);
        float[][] once = [.. step.Gradients.Select(Values)];

        step.Run(batch, 2, accumulates: false);
        step.Run(batch, 2, accumulates: true);

        Assert.All(step.Gradients.Zip(once), pair => Assert.All(Values(pair.First).Zip(pair.Second), values =>
            Assert.Equal(values.Second, values.First, tolerance: 1e-6f)));
    }

    [Fact]
    public void BatchesMayBeSmallerAndOfOtherShapes()
    {
        using var threads = new TorchThreads(2);
        var plan = LayerPlan.Create(TrainingData.Tiny, new ImageShape(3, 12, 12), 5);
        using var network = new ResidualNetwork(Tiny, ResNetWeights.Initialize(Tiny, 1), TrainingPrecision.Float32);
        using var other = new ResidualNetwork(Tiny, ResNetWeights.Initialize(Tiny, 1), TrainingPrecision.Float32);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 8);
        foreach (var (count, shape) in new[] { (8, Tiny), (5, Tiny), (8, plan), (3, plan), (8, Tiny) })
        {
            using var batch = MakeBatch(shape, count, 1);
            var (loss, _) = step.Run(batch, 1, accumulates: false);
            var (expected, gradients) = Autograd(other, batch, 0, weighted: false);
            Assert.Equal(expected, loss, tolerance: 1e-5);
            Assert.Equal(0, Difference(gradients, step.Gradients), tolerance: 1e-4);
        }
    }

    // oneDNN plans wrongly where two threads have it plan the same convolution at once: without turns, one of these in a thousand or so
    // differs the first time.
    [Fact]
    public void TheFirstStepOfAShapeGivesWhatTheNextOnesGive()
    {
        using var threads = new TorchThreads(2);
        using var network = new ResidualNetwork(Tiny, ResNetWeights.Initialize(Tiny, 1), TrainingPrecision.Float32)
        {
            BatchNormMomentum = 0, // sums are taken around the running mean, which stays
        };
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 8);
        for (var height = 4; height < 16; height++)
        {
            for (var width = 4; width < 12; width++)
            {
                using var batch = MakeBatch(LayerPlan.Create(TrainingData.Tiny, new ImageShape(3, height, width), 5), 8, 1);
                step.Run(batch, 1, accumulates: false);
                var first = step.Gradients.Select(Values).ToArray();
                step.Run(batch, 1, accumulates: false);
                Assert.Equal(first, step.Gradients.Select(Values));
            }
        }
    }

    [Fact]
    public void StatisticsMoveAsAutogradsDo()
    {
        using var threads = new TorchThreads(2);
        var start = ResNetWeights.Initialize(Tiny, 1);
        using var network = new ResidualNetwork(Tiny, start, TrainingPrecision.Float32);
        using var reference = new ResidualNetwork(Tiny, start, TrainingPrecision.Float32);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 7);
        using var batch = MakeBatch(Tiny, 7, 1);
        for (var i = 0; i < 3; i++)
        {
            step.Run(batch, 1, accumulates: false);
            Autograd(reference, batch, 0, weighted: false);
        }

        Assert.All(network.ToWeights().Tensors.Zip(reference.ToWeights().Tensors), pair =>
            Assert.All(pair.First.Values.ToArray().Zip(pair.Second.Values.ToArray()), values =>
                Assert.Equal(values.Second, values.First, tolerance: 1e-5f)));
    }

    [Theory]
    [InlineData("resnet20")]
    [InlineData("resnet9")]
    [InlineData("resnet18_v2")]
    public void BFloat16IsAsNearToFloat32AsAutogradIs(string name)
    {
        using var threads = new TorchThreads(2);
        var architecture = Shortened(ResNetArchitecture.Parse(name));
        var side = architecture.Stem == StemKind.SmallImage ? 16 : 64;
        var plan = LayerPlan.Create(architecture, new ImageShape(3, side, side), 5);
        var start = ResNetWeights.Initialize(plan, 1);
        using var exact = new ResidualNetwork(plan, start, TrainingPrecision.Float32);
        using var rounded = new ResidualNetwork(plan, start, TrainingPrecision.BFloat16);
        using var compiled = new ResidualNetwork(plan, start, TrainingPrecision.BFloat16);
        using var step = new CompiledStep(compiled, 0, isWeighted: false, capacity: 16);
        using var batch = MakeBatch(plan, 16, 1);
        step.Run(batch, 1, accumulates: false);
        var (_, expected) = Autograd(exact, batch, 0, weighted: false);
        var (_, reference) = Autograd(rounded, batch, 0, weighted: false);

        var (own, autograds) = (MeanDifference(expected, step.Gradients), MeanDifference(expected, reference));

        Assert.True(own < 1.2 * autograds, $"{own} is farther from float32 than autograd's {autograds}");
        Assert.True(own > 0, "nothing was rounded");
    }

    [Fact]
    public void TheSameSeedAndWorkersGiveTheSameBits()
    {
        using var threads = new TorchThreads(3);
        var start = ResNetWeights.Initialize(Tiny, 1);
        using var batch = MakeBatch(Tiny, 13, 1);
        var runs = Enumerable.Range(0, 4).Select(_ =>
        {
            using var network = new ResidualNetwork(Tiny, start, TrainingPrecision.Float32);
            using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 13);
            step.Run(batch, 1, accumulates: false);
            step.Run(batch, 1, accumulates: false);
            return step.Gradients.SelectMany(Values).ToArray();
        }).ToArray();

        Assert.All(runs, run => Assert.Equal(runs[0], run));
    }

    [Fact]
    public void AStepAllocatesNothingAndKeepsNoTensor()
    {
        using var threads = new TorchThreads(2);
        using var network = new ResidualNetwork(Tiny, ResNetWeights.Initialize(Tiny, 1), TrainingPrecision.Float32);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 8);
        using var batch = MakeBatch(Tiny, 8, 1);
        step.Run(batch, 1, accumulates: false);
        var (tensors, bytes) = (TorchScript.Live, GC.GetAllocatedBytesForCurrentThread());

        for (var i = 0; i < 20; i++)
        {
            step.Run(batch, 1, accumulates: false);
        }

        Assert.Equal(tensors, TorchScript.Live);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - bytes) / 20, 0, 1000);
    }

    public static TheoryData<string> Gradients => [nameof(ActivationKernels.GradientSums), nameof(ActivationKernels.NormalizeGradient),
        nameof(ActivationKernels.AddGradient), nameof(ActivationKernels.MaxPoolGradient), nameof(ActivationKernels.AveragePoolGradient),
        nameof(ActivationKernels.MeanGradient), nameof(ActivationKernels.GateGradient)];

    // One per cent on one image's gradient: the comparison above must see it, or it proves nothing.
    [Theory]
    [MemberData(nameof(Gradients))]
    public void AnErrorInAnyGradientIsSeen(string method)
    {
        var architecture = TrainingData.Tiny with { Stem = StemKind.ImageNet, Shortcut = ShortcutKind.D, SqueezeReduction = 4 };
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 32, 32), 5);
        AssertAgrees(plan);

        Assert.True(LeastDifference(plan, kernelsFor: (bfloat16, channels) =>
            new FaultyKernels(ActivationKernels.For(bfloat16, channels), method)) > 10 * Tolerance);
    }

    [Fact]
    public void AWorkerThatFailsEndsTheStepForAll()
    {
        using var team = new WorkerTeam(3, 1);

        var exception = Assert.Throws<InvalidOperationException>(() => team.Run(index =>
        {
            if (index == 1)
            {
                throw new InvalidOperationException("out of order");
            }

            team.Meet();
        }));
        var seen = new int[3];
        team.Run(index =>
        {
            team.Meet();
            seen[index]++;
        });

        Assert.Equal("out of order", exception.Message);
        Assert.Equal([1, 1, 1], seen);
    }

    // No deeper or wider than it takes to have every kind of layer.
    private static ResNetArchitecture Shortened(ResNetArchitecture architecture) => architecture with
    {
        Depths = [.. architecture.Depths.Select(depth => Math.Min(depth, 2))],
        BaseWidth = 16,
    };

    private static void AssertAgrees(
        LayerPlan plan, int workers = 2, double smoothing = 0.1, float ownShare = 1, bool weighted = false, double stochasticDepth = 0) =>
        Assert.InRange(LeastDifference(plan, workers, smoothing, ownShare, weighted, stochasticDepth), 0, Tolerance);

    // Of a few starts, the largest difference of a gradient, in units of its length, in the start where that is least.
    private static double LeastDifference(
        LayerPlan plan,
        int workers = 2,
        double smoothing = 0.1,
        float ownShare = 1,
        bool weighted = false,
        double stochasticDepth = 0,
        Func<bool, int, ActivationKernels>? kernelsFor = null)
    {
        using var threads = new TorchThreads(workers);
        var least = double.MaxValue;
        for (var seed = 1; seed <= Starts && least > Tolerance; seed++)
        {
            var start = ResNetWeights.Initialize(plan, seed);
            using var network = new ResidualNetwork(plan, start, TrainingPrecision.Float32);
            using var reference = new ResidualNetwork(plan, start, TrainingPrecision.Float32);
            if (stochasticDepth > 0)
            {
                network.StochasticDepth = new StochasticDepth(plan, stochasticDepth);
                reference.StochasticDepth = new StochasticDepth(plan, stochasticDepth);
                network.StochasticDepth.Roll(new Random(seed));
                reference.StochasticDepth.Roll(new Random(seed));
            }

            using var step = new CompiledStep(network, smoothing, weighted, capacity: 7, kernelsFor);
            using var batch = MakeBatch(plan, 7, seed);
            batch.OwnShare = ownShare;
            var (loss, correct) = step.Run(batch, 1, accumulates: false);
            var (expected, gradients) = Autograd(reference, batch, smoothing, weighted);
            Assert.Equal(expected, loss, tolerance: 1e-4);
            Assert.InRange(correct, 0, 7);
            least = Math.Min(least, Difference(gradients, step.Gradients));
        }

        return least;
    }

    private static (double Loss, Tensor[] Gradients) Autograd(ResidualNetwork network, Batch batch, double smoothing, bool weighted) =>
        Autograd(network, batch, new ClassificationLoss(smoothing, weighted));

    private static (double Loss, Tensor[] Gradients) Autograd(ResidualNetwork network, Batch batch, TrainingLoss trainingLoss)
    {
        using var scope = NewDisposeScope();
        var logits = network.Forward(batch.Images, training: true);
        var loss = trainingLoss.Of(logits, batch);
        loss.backward();
        Tensor[] gradients = [.. network.Parameters.Select(parameter => parameter.grad!.DetachFromDisposeScope())];
        foreach (var parameter in network.Parameters)
        {
            parameter.grad = null;
        }

        return (loss.item<float>(), gradients);
    }

    private static double Difference(Tensor[] expected, Tensor[] actual) => Differences(expected, actual).Max();

    private static double MeanDifference(Tensor[] expected, Tensor[] actual) => Differences(expected, actual).Average();

    private static IEnumerable<double> Differences(Tensor[] expected, Tensor[] actual)
    {
        using var scope = NewDisposeScope();
        return [.. expected.Zip(actual, (first, second) =>
            (double)(second - first).norm().item<float>() / Math.Max(LeastLength, first.norm().item<float>()))];
    }

    private static float[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.contiguous().data<float>().ToArray();
    }

    /// <summary>Makes a batch of noise, with labels and weights that are drawn.</summary>
    internal static Batch MakeBatch(LayerPlan plan, int count, int seed)
    {
        var batch = new Batch(count, plan.Input.Size);
        batch.Reset(0, count, plan.Input);
        var random = new Random(seed);
        foreach (ref var value in batch.ImageValues)
        {
            value = (float)(3 * random.NextDouble() - 1.5);
        }

        for (var i = 0; i < count; i++)
        {
            batch.LabelValues[i] = random.Next(plan.ClassCount);
            batch.WeightValues[i] = (float)(0.5 + random.NextDouble());
        }

        return batch;
    }
}
