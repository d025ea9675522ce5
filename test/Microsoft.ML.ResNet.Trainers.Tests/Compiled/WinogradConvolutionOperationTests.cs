using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Tests.Compiled;

public sealed class WinogradConvolutionOperationTests
{
    [Theory]
    [InlineData(64, 64, 3, 1, 1, 56, true)]
    [InlineData(128, 64, 3, 1, 1, 4, true)]
    [InlineData(64, 64, 3, 2, 1, 56, false)]
    [InlineData(64, 64, 1, 1, 1, 56, false)]
    [InlineData(64, 64, 3, 1, 32, 56, false)]
    [InlineData(512, 512, 3, 1, 1, 7, true)]
    [InlineData(512, 512, 3, 1, 1, 5, false)]
    [InlineData(72, 64, 3, 1, 1, 56, false)]
    [InlineData(3, 64, 3, 1, 1, 32, false)]
    public void TakesOnWhatItComputesFaster(int channels, int filters, int kernel, int stride, int groups, int side, bool expected) =>
        Assert.Equal(
            expected, WinogradConvolutionOperation.Suits(new ConvolutionShape(channels, side, side, filters, kernel, stride, groups)));

    // A step whose values are kept in bfloat16 multiplies in float32 where that is faster; all others in float32.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void StepsGiveWhatTheyGiveWithTorchsConvolutions(int workers)
    {
        TorchRuntime.Initialize();
        using var threads = new TorchThreads(workers);
        var architecture = ResNetArchitecture.ResNet20 with { Depths = [1, 1, 1], BaseWidth = 32 };
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 16, 16), 5);
        var start = ResNetWeights.Initialize(plan, 1);

        var (loss, gradients) = Run(WinogradConvolutionOperation.Suits);
        var (expectedLoss, expected) = Run(_ => false);

        Assert.Equal(expectedLoss, loss, tolerance: 1e-5);
        Assert.NotEqual(expected, gradients); // rounded differently: so it was taken
        Assert.All(expected.Zip(gradients), pair => Assert.Equal(pair.First, pair.Second, tolerance: 2e-4f));

        (double Loss, float[] Gradients) Run(Func<ConvolutionShape, bool> usesWinograd)
        {
            using var network = new ResidualNetwork(plan, start, TrainingPrecision.Float32);
            using var step = new CompiledStep(network, 0, isWeighted: false, capacity: 7) { UsesWinograd = usesWinograd };
            using var batch = CompiledStepTests.MakeBatch(plan, 7, 1);
            var (loss, _) = step.Run(batch, 1, accumulates: false);
            return (loss, [.. step.Gradients.SelectMany(gradient => gradient.contiguous().data<float>().ToArray())]);
        }
    }
}
