using System.Diagnostics;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>Measures whether this machine's convolutions train faster in bfloat16.</summary>
internal static class PrecisionProbe
{
    // Where the CPU has no bfloat16 instructions it is slower by far, and where it has them faster by far: the margin only guards against noise.
    private const double WorthwhileGain = 1.1;

    private const int Repeats = 5;

    private static readonly Lazy<TrainingPrecision> Fastest = new(Measure);

    public static TrainingPrecision Resolve(TrainingPrecision asked) => asked == TrainingPrecision.Auto ? Fastest.Value : asked;

    private static TrainingPrecision Measure()
    {
        using var scope = NewDisposeScope();
        var input = zeros([16, 32, 32, 64], ScalarType.Float32).permute(0, 3, 1, 2);
        var weight = zeros([64, 3, 3, 64], ScalarType.Float32).permute(0, 3, 1, 2).requires_grad_();
        var (single, half) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i <= Repeats; i++)
        {
            single.Add(TimeStep(input, weight, ScalarType.Float32));
            half.Add(TimeStep(input, weight, ScalarType.BFloat16));
        }

        // The first pair warms up.
        return single.Skip(1).Min() > half.Skip(1).Min() * WorthwhileGain ? TrainingPrecision.BFloat16 : TrainingPrecision.Float32;
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
