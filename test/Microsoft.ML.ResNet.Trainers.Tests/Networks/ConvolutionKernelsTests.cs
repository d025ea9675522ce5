using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Networks;

public sealed class ConvolutionKernelsTests
{
    public ConvolutionKernelsTests() => TorchRuntime.Initialize();

    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var shape in Shapes.Keys)
            {
                foreach (var method in new[] { "Narrow", "PaddedChannel", "MatrixProduct", "Float32" })
                {
                    if (method is "MatrixProduct" or "Float32" || Shapes[shape].Groups == 1)
                    {
                        all.Add(shape, method);
                    }
                }
            }

            return all;
        }
    }

    private static Dictionary<string, ConvolutionShape> Shapes { get; } = new()
    {
        ["one channel"] = new(1, 9, 7, 4, Kernel: 3, Stride: 1, Groups: 1),
        ["strided"] = new(6, 8, 8, 4, Kernel: 3, Stride: 2, Groups: 1),
        ["stem"] = new(3, 15, 15, 4, Kernel: 7, Stride: 2, Groups: 1),
        ["grouped"] = new(6, 7, 7, 9, Kernel: 3, Stride: 2, Groups: 3),
        ["pointwise"] = new(6, 5, 5, 4, Kernel: 1, Stride: 1, Groups: 1),
        ["pointwise, strided"] = new(6, 7, 8, 4, Kernel: 1, Stride: 2, Groups: 1),
        ["of one pixel"] = new(6, 1, 1, 4, Kernel: 1, Stride: 1, Groups: 1),
    };

    [Theory]
    [MemberData(nameof(All))]
    public void EveryMethodComputesTheSame(string name, string method)
    {
        using var scope = NewDisposeScope();
        var shape = Shapes[name];

        // Ours are right on every CPU: as in doubles, which no fast kernel computes. The others are Torch's own kernel on other strides,
        // and as wrong as that is: with AVX-512, the gradient of images of one channel. ConvolutionCheck finds it.
        var isTorchs = method is "Narrow" or "Float32";
        var expected = Compute(ConvolutionMethod.Direct, shape, isTorchs ? ScalarType.Float32 : ScalarType.Float64);
        var actual = Compute(Enum.Parse<ConvolutionMethod>(method), shape, ScalarType.Float32);

        Assert.All(expected.Zip(actual), pair => AssertNear(pair.First, pair.Second));
    }

    [Fact]
    public void APointwiseConvolutionAddsItsBias()
    {
        using var scope = NewDisposeScope();
        var shape = Shapes["pointwise"];
        var (x, filters, bias) = (ChannelsLast(2, 5, 5, 6), ChannelsLast(4, 1, 1, 6), arange(4, ScalarType.Float32));

        AssertNear(
            ConvolutionKernels.Convolve(ConvolutionMethod.Direct, shape, x, filters, bias),
            ConvolutionKernels.Convolve(ConvolutionMethod.MatrixProduct, shape, x, filters, bias));
    }

    [Fact]
    public void FewPositionsAreAMatrixProductAndManyAreTorchs()
    {
        Assert.Equal(
            ConvolutionMethod.MatrixProduct, ConvolutionKernels.Candidates(new(256, 14, 14, 1024, 1, 1, 1), ScalarType.Float32).First());
        Assert.Equal(
            Processor.HidesCaches ? ConvolutionMethod.MatrixProduct : ConvolutionMethod.Direct,
            ConvolutionKernels.Candidates(new(64, 56, 56, 256, 1, 1, 1), ScalarType.Float32).First());
    }

    // The result, and the gradients of images and filters.
    private static Tensor[] Compute(ConvolutionMethod method, ConvolutionShape shape, ScalarType type)
    {
        var x = ChannelsLast(2, shape.Height, shape.Width, shape.Channels).to(type).requires_grad_();
        var filters = ChannelsLast(shape.Filters, shape.Kernel, shape.Kernel, shape.Channels / shape.Groups).to(type).requires_grad_();
        var result = ConvolutionKernels.Convolve(method, shape, x, filters, bias: null);
        result.backward([ChannelsLast(2, shape.ResultHeight, shape.ResultWidth, shape.Filters).to(type)]);
        return [result.to(ScalarType.Float32), x.grad!.to(ScalarType.Float32), filters.grad!.to(ScalarType.Float32)];
    }

    private static Tensor ChannelsLast(params long[] sizes) =>
        rand(sizes, generator: new Generator(7)).sub_(0.5).permute(0, 3, 1, 2).detach();

    private static void AssertNear(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<float>(), 0, 1e-5 * expected.abs().max().item<float>());
    }
}
