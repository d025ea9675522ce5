using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Networks;

/// <summary>Kernels that err are planted, and must be caught, named and replaced.</summary>
public sealed class ConvolutionCheckTests
{
    private static readonly ConvolutionShape Shape = new(4, 8, 8, 6, Kernel: 3, Stride: 1, Groups: 1);

    public ConvolutionCheckTests() => TorchRuntime.Initialize();

    public static TheoryData<string> Faults => [.. Wrong.Keys];

    // What a kernel that errs makes of the right result: in the result alone, in the gradients
    // alone, in a single value, or no number at all.
    private static Dictionary<string, Func<Tensor, Tensor>> Wrong { get; } = new()
    {
        ["the result"] = right => right.mul(1.2),
        ["the gradients"] = right => right.mul(1.2) - right.mul(0.2).detach(),
        ["one value"] = right => right + OnePixel(right),
        ["no number"] = right => right.mul(float.NaN),
    };

    [Fact]
    public void ARightKernelStays()
    {
        var verdict = new ConvolutionCheck(ConvolutionKernels.Convolve).Of(Shape, ScalarType.Float32);

        Assert.Equal(ConvolutionMethod.Direct, verdict.Method);
        Assert.False(verdict.IsReplaced);
        Assert.InRange(verdict.Error, 0, 1e-4);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void AWrongKernelIsReplacedByTheNext(string fault)
    {
        var verdict = Planted(fault, ConvolutionMethod.Direct).Of(Shape, ScalarType.Float32);

        Assert.Equal(ConvolutionMethod.PaddedChannel, verdict.Method);
        Assert.True(verdict.IsReplaced);
    }

    [Fact]
    public void TheMatrixProductAndFloat32AreTheLastResorts()
    {
        Assert.Equal(
            ConvolutionMethod.MatrixProduct,
            Planted("the result", ConvolutionMethod.Direct, ConvolutionMethod.PaddedChannel).Of(Shape, ScalarType.BFloat16).Method);
        Assert.Equal(
            ConvolutionMethod.Float32,
            Planted("no number", ConvolutionMethod.Direct, ConvolutionMethod.PaddedChannel, ConvolutionMethod.MatrixProduct).Of(
                Shape, ScalarType.BFloat16).Method);
    }

    [Fact]
    public void WhereNothingAgreesTheLeastWrongIsTaken()
    {
        var check = new ConvolutionCheck((method, shape, x, filters, bias) =>
            ConvolutionKernels.Convolve(ConvolutionMethod.Direct, shape, x, filters, bias)
                .mul(method == ConvolutionMethod.PaddedChannel ? 1.2 : float.NaN));

        Assert.Equal(ConvolutionMethod.PaddedChannel, check.Of(Shape, ScalarType.Float32).Method);
    }

    [Fact]
    public void TheReplacementIsToldOnceWithShapeAndError()
    {
        var (check, plan) = (Planted("the result", ConvolutionMethod.Direct), Plan(TrainingData.Tiny));
        var told = new List<string>();

        check.Tell(plan, ScalarType.Float32, told.Add);
        var first = told.ToArray();
        check.Tell(plan, ScalarType.Float32, told.Add);

        Assert.NotEmpty(first);
        Assert.Equal(first, told);
        Assert.Equal(first.Distinct(), first);
        Assert.Contains(first, line => line.Contains("3×3, 3 → 8 channels, of 16×16 pixels", StringComparison.Ordinal)
            && line.Contains("PaddedChannel", StringComparison.Ordinal));
        Assert.All(first, line => Assert.Matches(@"Direct by \d\.\d+", line));
    }

    [Fact]
    public void ANetworkWithAWrongKernelComputesWhatItShould()
    {
        using var scope = NewDisposeScope();
        var plan = Plan(TrainingData.Tiny);
        var weights = ResidualNetworkTests.RandomWeights(plan);
        var images = rand([4, 16, 16, 3], generator: new Generator(1)).permute(0, 3, 1, 2);
        using var right = new ResidualNetwork(plan, weights, TrainingPrecision.Float32);
        using var mended = new ResidualNetwork(
            plan, weights, TrainingPrecision.Float32, Planted("the gradients", ConvolutionMethod.Direct));

        Assert.All(Gradients(right).Zip(Gradients(mended)), pair =>
            Assert.InRange((pair.First - pair.Second).abs().max().item<float>(), 0, 1e-3 * pair.First.abs().max().item<float>() + 1e-6));

        Tensor[] Gradients(ResidualNetwork network)
        {
            network.Forward(images, training: true).square().sum().backward();
            return [.. network.Parameters.Select(parameter => parameter.grad!)];
        }
    }

    // Whatever the CPU: what is believed was seen right.
    [Theory]
    [InlineData(TrainingPrecision.Float32)]
    [InlineData(TrainingPrecision.BFloat16)]
    public void EveryNetworkOfTheTableFindsAWayThatIsRight(TrainingPrecision precision)
    {
        var type = ResidualNetwork.ProductTypeOf(precision);
        var shapes = ResNetArchitecture.All
            .Select(Plan)
            .SelectMany(plan => plan.Layers.OfType<ConvolutionLayer>().Select(layer => ConvolutionShape.Of(plan, layer)))
            .Distinct();

        Assert.All(
            shapes, shape => Assert.InRange(ConvolutionCheck.Shared.Of(shape, type).Error, 0, type == ScalarType.BFloat16 ? 0.125 : 1e-3));
    }

    [Fact]
    public void LeaksNothing()
    {
        var check = new ConvolutionCheck(ConvolutionKernels.Convolve);
        check.Of(Shape, ScalarType.Float32);
        var before = LiveTensors.CountBefore();

        check.Of(Shape with { Width = 9 }, ScalarType.Float32);

        Assert.Equal(before, Tensor.TotalCount);
    }

    private static LayerPlan Plan(ResNetArchitecture architecture) =>
        LayerPlan.Create(
            architecture, new ImageShape(3, Math.Max(16, architecture.MinimumImageSize), Math.Max(16, architecture.MinimumImageSize)), 3);

    private static ConvolutionCheck Planted(string fault, params ConvolutionMethod[] wrong) => new((method, shape, x, filters, bias) =>
    {
        var right = ConvolutionKernels.Convolve(ConvolutionMethod.Direct, shape, x, filters, bias);
        return wrong.Contains(method) ? Wrong[fault](right) : right;
    });

    private static Tensor OnePixel(Tensor like)
    {
        var pixel = zeros_like(like);
        pixel[0, 0, 1, 1] = 1;
        return pixel;
    }
}
