using System.Diagnostics;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>Measures whether this machine's convolutions train faster in bfloat16.</summary>
internal static class PrecisionProbe
{
    // Where the CPU has no bfloat16 instructions it is slower by far, and where it has them faster by far: the margin only guards against noise.
    private const double WorthwhileGain = 1.1;

    // So much slower with one image, as where bfloat16 is emulated (a thirteenth of the rate), it is not tried with a batch, which would take seconds.
    private const double HopelessGain = 1.0 / 3;

    private static readonly Lazy<TrainingPrecision> Fastest = new(Measure);

    public static TrainingPrecision Resolve(TrainingPrecision asked) => asked == TrainingPrecision.Auto ? Fastest.Value : asked;

    private static TrainingPrecision Measure() => Gain(images: 1, repeats: 3) > HopelessGain && Gain(images: 16, repeats: 5) > WorthwhileGain
        ? TrainingPrecision.BFloat16
        : TrainingPrecision.Float32;

    // How many times as fast as float32 bfloat16 is.
    private static double Gain(int images, int repeats)
    {
        using var scope = NewDisposeScope();
        var input = zeros([images, 32, 32, 64], ScalarType.Float32).permute(0, 3, 1, 2);
        var weight = zeros([64, 3, 3, 64], ScalarType.Float32).permute(0, 3, 1, 2).requires_grad_();
        var (single, half) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i <= repeats; i++)
        {
            single.Add(TimeStep(input, weight, ScalarType.Float32));
            half.Add(TimeStep(input, weight, ScalarType.BFloat16));
        }

        // The first pair warms up.
        return single.Skip(1).Min() / half.Skip(1).Min();
    }

    private static TimeSpan TimeStep(Tensor input, Tensor weight, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var x = input.detach().requires_grad_();
        var clock = Stopwatch.StartNew();
        F.conv2d(x.to(type), weight.to(type), null, [1L, 1L], [1L, 1L]).sum().backward();
        weight.grad = null;
        return clock.Elapsed;
    }
}
