using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Tests.Networks;

public sealed class NarrowConvolutionTests
{
    public NarrowConvolutionTests() => TorchRuntime.Initialize();

    [Theory]
    [InlineData(4, 3, 1, 1)]
    [InlineData(7, 3, 2, 1)]
    [InlineData(5, 1, 1, 0)]
    [InlineData(6, 1, 2, 0)]
    [InlineData(8, 7, 2, 3)]
    public void ItsGradientsAreTorchs(int side, int kernel, int stride, int padding)
    {
        using var scope = NewDisposeScope();
        var (x, filters) = (ChannelsLast(3, side, 6, seed: 1).requires_grad_(), ChannelsLast(5, kernel, 6, seed: 2).requires_grad_());
        var expected = F.conv2d(x, filters, null, [(long)stride, stride], [(long)padding, padding]);
        var slope = ChannelsLast(3, (int)expected.shape[2], 5, seed: 3);
        expected.backward([slope]);
        var (expectedX, expectedFilters) = (x.grad!.clone(), filters.grad!.clone());
        (x.grad, filters.grad) = (null, null);

        // The networks add in place to what a convolution gives.
        var actual = NarrowConvolution.Apply(x, filters, stride, padding);
        actual.add_(slope);
        actual.backward([slope]);

        AssertNear(expected + slope, actual);
        AssertNear(expectedX, x.grad!);
        AssertNear(expectedFilters, filters.grad!);
        Assert.Equal(filters.stride(), filters.grad!.stride());
    }

    [Fact]
    public void ImagesWithoutGradientGetNone()
    {
        using var scope = NewDisposeScope();
        var (x, filters) = (ChannelsLast(2, 4, 3, seed: 1), ChannelsLast(5, 3, 3, seed: 2).requires_grad_());

        NarrowConvolution.Apply(x, filters, 1, 1).sum().backward();

        Assert.Null(x.grad);
        Assert.NotNull(filters.grad);
    }

    [Fact]
    public void LeaksNothing()
    {
        void Step()
        {
            using var scope = NewDisposeScope();
            var (x, filters) = (ChannelsLast(2, 4, 3, seed: 1).requires_grad_(), ChannelsLast(5, 3, 3, seed: 2).requires_grad_());
            NarrowConvolution.Apply(x, filters, 1, 1).sum().backward();
            (x.grad, filters.grad) = (null, null);
        }

        Step();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 20; i++)
        {
            Step();
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    // The last stage of ResNet-18 at 224 is 7 wide.
    [Fact]
    public void SuitsNarrowImagesOfManyChannels()
    {
        Assert.Equal(["layer4.0.conv1", "layer4.0.conv2", "layer4.1.conv1", "layer4.1.conv2"], Suited(ResNetArchitecture.ResNet18, 224));
        Assert.Empty(Suited(ResNetArchitecture.ResNet20, 32));
        Assert.Empty(Suited(ResNetArchitecture.ResNeXt50_32x4d, 224));
    }

    private static IEnumerable<string> Suited(ResNetArchitecture architecture, int size)
    {
        var plan = LayerPlan.Create(architecture, new ImageShape(3, size, size), 10);
        return plan.Layers.OfType<ConvolutionLayer>()
            .Where(layer => NarrowConvolution.Suits(ConvolutionShape.Of(plan, layer)))
            .Select(layer => layer.Name);
    }

    private static Tensor ChannelsLast(int count, int side, int channels, int seed) =>
        randn([count, side, side, channels], generator: new Generator((ulong)seed)).permute(0, 3, 1, 2);

    private static void AssertNear(Tensor expected, Tensor actual)
    {
        using var difference = (expected - actual).abs().max();
        Assert.True(difference.item<float>() < 1e-4, $"The largest difference is {difference.item<float>()}.");
    }
}
