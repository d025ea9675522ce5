using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Networks;

public sealed class StochasticDepthTests
{
    private static readonly LayerPlan Plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 8, 8), 10);

    public StochasticDepthTests() => TorchRuntime.Initialize();

    [Fact]
    public void LaterBlocksAreSkippedMoreOftenAndTheMeanStays()
    {
        using var scope = NewDisposeScope();
        var depth = new StochasticDepth(Plan, probability: 0.5);
        depth.Roll(new Random(1));
        var blocks = Plan.Layers.OfType<AddLayer>().ToArray();

        for (var block = 0; block < blocks.Length; block++)
        {
            var values = depth.Apply(blocks[block], ones([4000, 1, 1, 1])).data<float>().ToArray();
            var skip = 0.5 * (block + 1) / blocks.Length;
            Assert.Equal(skip, values.Count(value => value == 0) / 4000.0, tolerance: 0.03);
            Assert.All(values, value => Assert.True(value == 0 || Math.Abs(value - 1 / (1 - skip)) < 1e-5));
        }
    }

    [Fact]
    public void ScoringIsNotChanged()
    {
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(Plan, ResNetWeights.Initialize(Plan, 1), TrainingPrecision.Float32);
        var image = ones([2, 3, 8, 8]);
        var before = network.Forward(image, training: false).data<float>().ToArray();

        network.StochasticDepth = new StochasticDepth(Plan, 0.9);

        Assert.Equal(before, network.Forward(image, training: false).data<float>().ToArray());
    }

    [Theory]
    [InlineData("resnet20", true)]
    [InlineData("resnet50", true)]
    [InlineData("plain20", false)]
    public void ABlockThatStartsAtZeroStartsAsItsShortcut(string name, bool changes)
    {
        var architecture = ResNetArchitecture.Parse(name);
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 64, 64), 10);
        var (plain, zeroed) = (StartingWeights.For(plan, null, 1), StartingWeights.For(plan, null, 1, zeroInitResidual: true));

        var different = plain.Tensors.Zip(zeroed.Tensors)
            .Where(pair => !pair.First.Values.Span.SequenceEqual(pair.Second.Values.Span))
            .Select(pair => pair.Second)
            .ToArray();

        Assert.Equal(changes ? architecture.Depths.Sum() : 0, different.Length);
        Assert.All(different, tensor =>
            Assert.Matches(architecture.IsBottleneck ? @"^layer\d\.\d\.bn3\.weight$" : @"^layer\d\.\d\.bn2\.weight$", tensor.Name));
        Assert.All(different, tensor => Assert.All(tensor.Values.ToArray(), value => Assert.Equal(0, value)));
        Assert.All(
            StartingWeights.For(plan, plain, 1, zeroInitResidual: true).Tensors.Zip(plain.Tensors),
            pair => Assert.Same(pair.Second, pair.First));
    }
}
