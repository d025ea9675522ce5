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
        var before = LiveTensors.CountBefore();
        for (var i = 0; i < 20; i++)
        {
            Step();
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    // The last stage of ResNet-18 at 224 is 7 wide, the one before it 14; ResNet-9's third stage is 8 wide, and 4 after its pooling.
    [Theory]
    [InlineData("resnet18", 224, true, "layer4.0.conv1 layer4.0.conv2 layer4.1.conv1 layer4.1.conv2")]
    [InlineData("resnet18", 224, false, "layer3.0.conv1 layer4.0.conv1 layer4.0.conv2 layer4.1.conv1 layer4.1.conv2")]
    [InlineData("resnet9", 32, true, "layer3.down.conv layer3.0.conv1 layer3.0.conv2")]
    [InlineData("resnet9", 32, false, "layer3.0.conv1 layer3.0.conv2")]
    [InlineData("resnet20", 32, true, "")]
    [InlineData("resnet20", 32, false, "")]
    [InlineData("resnext50_32x4d", 224, true, "")]
    [InlineData("resnext50_32x4d", 224, false, "")]
    public void SuitsNarrowImagesOfManyChannels(string architecture, int size, bool hasTiles, string expected)
    {
        var plan = LayerPlan.Create(ResNetArchitecture.Parse(architecture), new ImageShape(3, size, size), 10);

        var suited = plan.Layers.OfType<ConvolutionLayer>()
            .Where(layer => NarrowConvolution.Suits(ConvolutionShape.Of(plan, layer), hasTiles))
            .Select(layer => layer.Name);

        Assert.Equal(expected, string.Join(' ', suited));
    }

    private static Tensor ChannelsLast(int count, int side, int channels, int seed) =>
        randn([count, side, side, channels], generator: new Generator((ulong)seed)).permute(0, 3, 1, 2);

    private static void AssertNear(Tensor expected, Tensor actual)
    {
        using var difference = (expected - actual).abs().max();
        Assert.True(difference.item<float>() < 1e-4, $"The largest difference is {difference.item<float>()}.");
    }
}
