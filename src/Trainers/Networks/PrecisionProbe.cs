using System.Diagnostics;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>Finds the precision in which this machine trains faster.</summary>
/// <remarks>
/// On x86 the instructions tell: with AMX, ResNet-9's kernels alone were slower in float32 than its whole training loop in bfloat16, while
/// the time of a few steps at the start of a process is decided by whatever else runs then. Elsewhere it is measured.
/// </remarks>
internal static class PrecisionProbe
{
    // Where the CPU has no bfloat16 instructions of its own it is slower, and where it has them faster by far: the margin only guards
    // against noise.
    private const double WorthwhileGain = 1.1;

    private const int Repeats = 5;

    private static readonly Lazy<TrainingPrecision> Fastest =
        new(() => !Processor.IsX86 ? Measure()
            : Processor.MultipliesBFloat16Fast ? TrainingPrecision.BFloat16 : TrainingPrecision.Float32);

    /// <summary>Gets the precision to train in on the CPU.</summary>
    public static TrainingPrecision Resolve(TrainingPrecision asked) => Resolve(asked, TrainingDevice.Cpu);

    /// <summary>Gets the precision to train in. On a GPU, where nothing was measured, Auto is float32.</summary>
    public static TrainingPrecision Resolve(TrainingPrecision asked, TrainingDevice device) =>
        asked != TrainingPrecision.Auto ? asked : device.IsCpu ? Fastest.Value : TrainingPrecision.Float32;

    private static TrainingPrecision Measure()
    {
        using var scope = NewDisposeScope();
        var input = TensorFactory.OnCpu.Zeros([16, 32, 32, 64], ScalarType.Float32).permute(0, 3, 1, 2);
        var weight = TensorFactory.OnCpu.Zeros([64, 3, 3, 64], ScalarType.Float32).permute(0, 3, 1, 2).requires_grad_();
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
