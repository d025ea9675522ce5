using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Compiled;

public sealed class WinogradConvolutionOperationTests
{
    [Theory]
    [InlineData(64, 64, 3, 1, 1, 56, 4, 4)]
    [InlineData(128, 64, 3, 1, 1, 4, 4, 4)]
    [InlineData(256, 256, 3, 1, 1, 14, 4, 4)]
    [InlineData(64, 64, 3, 2, 1, 56, null, null)]
    [InlineData(64, 64, 1, 1, 1, 56, null, null)]
    [InlineData(64, 64, 3, 1, 32, 56, null, null)]
    [InlineData(512, 512, 3, 1, 1, 7, 2, null)]
    [InlineData(64, 64, 3, 1, 1, 10, 2, null)]
    [InlineData(512, 512, 3, 1, 1, 5, null, null)]
    [InlineData(72, 64, 3, 1, 1, 56, null, null)]
    [InlineData(3, 64, 3, 1, 1, 32, null, null)]
    public void TakesOnWhatItComputesFaster(
        int channels, int filters, int kernel, int stride, int groups, int side, int? inFloat32, int? inBFloat16)
    {
        var shape = new ConvolutionShape(channels, side, side, filters, kernel, stride, groups);

        Assert.Equal(inFloat32, WinogradConvolutionOperation.TileSide(shape, ScalarType.Float32));
        Assert.Equal(
            ActivationKernels.WidestLanes == Lanes512.Count && !Processor.HasTiles ? inBFloat16 : null,
            WinogradConvolutionOperation.TileSide(shape, ScalarType.BFloat16));
    }

    // A step whose values are kept in bfloat16 multiplies in float32 where that is faster; all others in float32.
    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 2)]
    [InlineData(1, 4)]
    [InlineData(3, 4)]
    public void StepsGiveWhatTheyGiveWithTorchsConvolutions(int workers, int side)
    {
        TorchRuntime.Initialize();
        using var threads = new TorchThreads(workers);
        var architecture = ResNetArchitecture.ResNet20 with { Depths = [1, 1, 1], BaseWidth = 32 };
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 16, 16), 5);
        var start = ResNetWeights.Initialize(plan, 1);

        var (loss, gradients) = Run((shape, type) => WinogradConvolutionOperation.TileSide(shape, type) is null ? null : side);
        var (expectedLoss, expected) = Run((_, _) => null);

        Assert.Equal(expectedLoss, loss, tolerance: 1e-5);
        Assert.NotEqual(expected, gradients); // rounded differently: so it was taken
        Assert.All(expected.Zip(gradients), pair => Assert.Equal(pair.First, pair.Second, tolerance: 2e-4f));

        (double Loss, float[] Gradients) Run(Func<ConvolutionShape, ScalarType, int?> tileSide)
        {
            using var network = new ResidualNetwork(plan, start, TrainingPrecision.Float32);
            using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 7) { TileSide = tileSide };
            using var batch = CompiledStepTests.MakeBatch(plan, 7, 1);
            var (loss, _) = step.Run(batch, 1, accumulates: false);
            return (loss, [.. step.Gradients.SelectMany(gradient => gradient.contiguous().data<float>().ToArray())]);
        }
    }
}
