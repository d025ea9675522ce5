using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;
using Microsoft.ML.ResNet.Trainers.Tests.Distributed;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Compiled;

/// <summary>The compiled step against autograd, where layers are frozen or statistics are kept.</summary>
public sealed class FineTuningStepTests
{
    private const int Count = 7, Starts = 6; // as in CompiledStepTests: one start of a few must agree
    private const double Tolerance = 3e-5, LeastLength = 0.05;

    private static readonly LayerPlan Tiny = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 5);

    public FineTuningStepTests() => TorchRuntime.Initialize();

    // The stage is the first that is trained; 0 for all layers, 3 for the head.
    [Theory]
    [InlineData(BlockKind.Basic, ShortcutKind.A, StemKind.SmallImage, 2, false)]
    [InlineData(BlockKind.Basic, ShortcutKind.A, StemKind.SmallImage, 0, true)]
    [InlineData(BlockKind.Basic, ShortcutKind.B, StemKind.ImageNet, 1, false)]
    [InlineData(BlockKind.Basic, ShortcutKind.B, StemKind.ImageNet, 3, true)]
    [InlineData(BlockKind.Bottleneck, ShortcutKind.D, StemKind.ImageNet, 2, true)]
    [InlineData(BlockKind.Bottleneck, ShortcutKind.D, StemKind.ImageNet, 0, true)]
    [InlineData(BlockKind.PreActivationBasic, ShortcutKind.B, StemKind.SmallImage, 2, false)]
    [InlineData(BlockKind.PreActivationBasic, ShortcutKind.B, StemKind.SmallImage, 0, true)]
    public void GradientsOfTrainedLayersAreAutograds(BlockKind block, ShortcutKind shortcut, StemKind stem, int stage, bool keeps)
    {
        var squeeze = stage == 0 ? 4 : 0;
        var architecture = TrainingData.Tiny with { Block = block, Shortcut = shortcut, Stem = stem, SqueezeReduction = squeeze };
        var side = stem == StemKind.SmallImage ? 16 : 33;
        var plan = LayerPlan.Create(architecture, new ImageShape(3, side, side), 5);
        Assert.InRange(LeastDifference(plan, FirstOf(plan, stage), keeps), 0, Tolerance);
    }

    // Stages begin between layers that are computed together; nothing else needs to.
    [Fact]
    public void LayersMayBeFrozenUpToAny() =>
        Assert.All(Enumerable.Range(1, Tiny.Layers.Length - 1).Where(IsOnlyWayOn), frozen =>
            Assert.InRange(LeastDifference(Tiny, frozen, keeps: false), 0, Tolerance));

    [Theory]
    [InlineData(0, true)]
    [InlineData(2, false)]
    public void StochasticDepthSkipsTheSameBlocks(int stage, bool keeps) =>
        Assert.InRange(LeastDifference(Tiny, FirstOf(Tiny, stage), keeps, stochasticDepth: 0.5), 0, Tolerance);

    [Theory]
    [InlineData(0, true)]
    [InlineData(2, false)]
    public void BFloat16IsAsNearToFloat32AsAutogradIs(int stage, bool keeps)
    {
        using var threads = new TorchThreads(2);
        var (start, frozen) = (Start(Tiny, 1), FirstOf(Tiny, stage));
        using var exact = Network(Tiny, start, frozen, keeps);
        using var rounded = Network(Tiny, start, frozen, keeps, TrainingPrecision.BFloat16);
        using var compiled = Network(Tiny, start, frozen, keeps, TrainingPrecision.BFloat16);
        using var step = new CompiledStep(compiled, 0, isWeighted: false, capacity: Count);
        using var batch = MakeBatch(Tiny, 1);
        step.Run(batch, 1, accumulates: false);
        var expected = Autograd(exact, batch).Gradients;
        var (own, autograds) =
            (Differences(expected, step.TrainedGradients).Average(), Differences(expected, Autograd(rounded, batch).Gradients).Average());

        Assert.True(own < 1.2 * autograds, $"{own} is farther from float32 than autograd's {autograds}");
        Assert.True(own > 0, "nothing was rounded");
    }

    // Ten steps of the last stage, then ten of all layers: momentum goes on.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TwentyStepsWithAnUnfreezingAgree(bool keeps)
    {
        using var threads = new TorchThreads(2);
        var (start, frozen) = (Start(Tiny, 1), FirstOf(Tiny, 2));
        using var network = Network(Tiny, start, frozen, keeps);
        using var reference = Network(Tiny, start, frozen, keeps);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: Count);
        using var own = Optimizer.Of(new TrainingRecipe(), OptimizedParameter.Of(network, 1, WeightDecayScope.All, 2));
        using var other = Optimizer.Of(new TrainingRecipe(), OptimizedParameter.Of(reference, 1, WeightDecayScope.All));
        for (var i = 0; i < 20; i++)
        {
            (network.FrozenLayers, reference.FrozenLayers) = i < 10 ? (frozen, frozen) : (0, 0);
            using var batch = MakeBatch(Tiny, i);
            step.Run(batch, 1, accumulates: false);
            own.Step(0.002, step.TrainedGradients, step.Team);
            _ = Backward(reference, batch, _ => other.Step(0.002));
            if (i == 9)
            {
                AssertKept(Tiny, start, network.ToWeights(), (layer, weight) => layer < frozen || (keeps && !weight.IsParameter));
            }
        }

        Assert.All(network.ToWeights().Tensors.Zip(reference.ToWeights().Tensors), pair =>
            Assert.InRange(Distance(pair.First.Values.Span, pair.Second.Values.Span), 0, 1e-4));
        AssertKept(Tiny, start, network.ToWeights(), (_, weight) => keeps && !weight.IsParameter);
    }

    /// <summary>Frozen weights are sent by no rank; those of normalizations that keep statistics are sent as all others.</summary>
    [Theory]
    [InlineData(false, 1, true)]
    [InlineData(true, 1, true)]
    [InlineData(true, 1 << 20, true)]
    [InlineData(true, 1, false)]
    public void GradientsOfThreeRanksAreThoseOfThreeWorkersToTheBit(bool keeps, int bucketBytes, bool syncs)
    {
        using var threeThreads = new TorchThreads(3);
        var expected = Gradients(Alone.Instance, keeps, bucketBytes, syncs);
        using var all = new ThreadRanks(3);
        var actual = all.Run(rank =>
        {
            using var one = new TorchThreads(1);
            return Gradients(rank, keeps, bucketBytes, syncs);
        });

        Assert.All(actual, gradients => Assert.Equal(expected, gradients));
    }

    [Fact]
    public void AFrozenLayersMemoryIsUsedAgain()
    {
        using var threads = new TorchThreads(2);
        using var network = Network(Tiny, Start(Tiny, 1), FirstOf(Tiny, 2), keeps: false);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: Count);
        using var batch = MakeBatch(Tiny, 1);
        step.Run(batch, 1, accumulates: false);
        var (tensors, bytes) = (TorchScript.Live, GC.GetAllocatedBytesForCurrentThread());
        for (var i = 0; i < 20; i++)
        {
            step.Run(batch, 1, accumulates: false);
        }

        Assert.Equal(tensors, TorchScript.Live);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - bytes) / 20, 0, 1000);
    }

    // Two batches that add up, before and after an unfreezing.
    private static float[] Gradients(ICollective ranks, bool keeps, int bucketBytes, bool syncs)
    {
        using var scope = NewDisposeScope();
        using var network = Network(Tiny, Start(Tiny, 1), FirstOf(Tiny, 2), keeps);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: Count, kernelsFor: null, ranks, syncs)
        {
            BucketBytes = bucketBytes,
        };
        var values = new List<float>();
        foreach (var frozen in new[] { network.FrozenLayers, 0 })
        {
            network.FrozenLayers = frozen;
            for (var i = 0; i < 2; i++)
            {
                using var batch = MakeBatch(Tiny, i);
                step.Run(batch, 2, accumulates: i > 0);
            }

            values.AddRange(step.TrainedGradients.OfType<Tensor>().SelectMany(each => each.contiguous().data<float>().ToArray()));
        }

        return [.. values];
    }

    private static double LeastDifference(LayerPlan plan, int frozen, bool keeps, double stochasticDepth = 0)
    {
        using var threads = new TorchThreads(2);
        var least = double.MaxValue;
        for (var seed = 1; seed <= Starts && least > Tolerance; seed++)
        {
            var start = Start(plan, seed);
            using var network = Network(plan, start, frozen, keeps);
            using var reference = Network(plan, start, frozen, keeps);
            if (stochasticDepth > 0)
            {
                network.StochasticDepth = new StochasticDepth(plan, stochasticDepth);
                reference.StochasticDepth = new StochasticDepth(plan, stochasticDepth);
                network.StochasticDepth.Roll(new Random(seed));
                reference.StochasticDepth.Roll(new Random(seed));
            }

            using var step = new CompiledStep(network, 0, isWeighted: false, capacity: Count);
            using var batch = MakeBatch(plan, seed);
            var (loss, _) = step.Run(batch, 1, accumulates: false);
            var (expected, gradients) = Autograd(reference, batch);
            Assert.Equal(expected, loss, tolerance: 1e-4);
            Assert.Equal(gradients.Select(gradient => gradient is null), step.TrainedGradients.Select(gradient => gradient is null));
            AssertKept(plan, start, network.ToWeights(), (layer, weight) => weight.IsParameter || keeps || layer < frozen);
            least = Math.Min(least, Differences(gradients, step.TrainedGradients).Max());
        }

        return least;
    }

    private static (double Loss, Tensor?[] Gradients) Autograd(ResidualNetwork network, Batch batch)
    {
        Tensor?[] gradients = [];
        var value = Backward(network, batch, _ => gradients = [.. network.Parameters.Select(parameter => parameter.grad)]);
        foreach (var parameter in network.Parameters)
        {
            parameter.grad = null;
        }

        return (value, gradients);
    }

    private static double Backward(ResidualNetwork network, Batch batch, Action<double> then)
    {
        double value;
        using (NewDisposeScope())
        {
            var loss = new ClassificationLoss(0, weighted: false).Of(network.Forward(batch.Images, training: true), batch);
            loss.backward();
            value = loss.item<float>();
        }

        then(value);
        return value;
    }

    private static IEnumerable<double> Differences(Tensor?[] expected, Tensor?[] actual)
    {
        using var scope = NewDisposeScope();
        return [.. expected.Zip(actual).Where(pair => pair.First is not null).Select(pair =>
            (double)(pair.Second! - pair.First!).norm().item<float>() / Math.Max(LeastLength, pair.First!.norm().item<float>()))];
    }

    private static double Distance(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        var (difference, length) = (0.0, 0.0);
        for (var i = 0; i < actual.Length; i++)
        {
            difference += Math.Pow(actual[i] - expected[i], 2);
            length += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(difference) / Math.Max(LeastLength, Math.Sqrt(length));
    }

    // To the bit.
    private static void AssertKept(LayerPlan plan, ResNetWeights start, ResNetWeights now, Func<int, WeightSpec, bool> isKept) =>
        Assert.All(
            plan.Layers.Index().SelectMany(each => each.Item.Weights.Where(weight => isKept(each.Index, weight))),
            weight => Assert.True(start[weight.Name].Values.Span.SequenceEqual(now[weight.Name].Values.Span), $"{weight.Name} changed"));

    private static ResidualNetwork Network(
        LayerPlan plan, ResNetWeights start, int frozen, bool keeps, TrainingPrecision precision = TrainingPrecision.Float32) =>
        new(plan, start, precision) { FrozenLayers = frozen, KeepsStatistics = keeps };

    private static int FirstOf(LayerPlan plan, int stage) =>
        stage == 0 ? 0 : Enumerable.Range(0, plan.Layers.Length).First(layer => plan.Layers[layer].Stage >= stage);

    // Whether all layers after read only this side's last result.
    private static bool IsOnlyWayOn(int frozen) =>
        Enumerable.Range(0, frozen - 1).All(layer => Tiny.Readers[layer].All(reader => reader < frozen));

    // Scales, shifts and statistics of a network that has learned something.
    private static ResNetWeights Start(LayerPlan plan, int seed)
    {
        var random = new Random(seed);
        var weights = ResNetWeights.Initialize(plan, seed);
        return new ResNetWeights(plan.Weights.Select(spec => new WeightTensor(spec.Name, spec.Shape, spec.Role switch
        {
            WeightRole.BatchNormWeight or WeightRole.RunningVariance => Values(spec, () => 0.5 + random.NextDouble()),
            WeightRole.BatchNormBias or WeightRole.RunningMean => Values(spec, () => 0.6 * random.NextDouble() - 0.3),
            _ => weights[spec.Name].Values,
        })));
    }

    private static float[] Values(WeightSpec spec, Func<double> draw) =>
        [.. Enumerable.Range(0, (int)spec.Size).Select(_ => (float)draw())];

    private static Batch MakeBatch(LayerPlan plan, int seed) => CompiledStepTests.MakeBatch(plan, Count, seed);
}
