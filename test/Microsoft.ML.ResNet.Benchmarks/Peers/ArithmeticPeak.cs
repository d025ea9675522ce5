using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Benchmarks.Peers;

/// <summary>
/// What the CPU's float32 arithmetic allows: a network's multiply-adds, forward and backward, at the rate of fused multiply-adds
/// that never leave the registers. No training in float32 is faster, whoever wrote its kernels, unless it multiplies less
/// (Winograd's convolutions) or in another type.
/// </summary>
internal static class ArithmeticPeak
{
    public static readonly Peer<TrainingWork, TrainingRate> Peer = new("peak", Measure);

    // Enough independent chains to hide the latency of a multiply-add, few enough for 16 registers.
    private const int Chains = 12;

    private const int Rounds = 20_000_000;

    private static TrainingRate Measure(TrainingWork work)
    {
        var width = Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;
        Func<float> run = Vector512.IsHardwareAccelerated ? () => Run512(Vector512.Create(0.5f)) : () => Run256(Vector256.Create(0.5f));
        var best = double.MaxValue;
        for (var repeat = 0; repeat < 3; repeat++)
        {
            Thread[] threads = [.. Enumerable.Range(0, work.Threads).Select(_ => new Thread(() => run()))];
            var clock = Stopwatch.StartNew();
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }

        // Backward, once for the weights and once for the inputs; nobody needs the gradient of the images.
        var plan = work.Plan;
        var image = 3 * plan.MultiplyAdds - plan.Layers.OfType<ConvolutionLayer>().First().MultiplyAdds;
        return new TrainingRate((double)Rounds * Chains * width * work.Threads / best / image, plan.ParameterCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run256(Vector256<float> factor)
    {
        var a = factor;
        var (b, c, d, e, f, g, h, i, j, k, l) = (a, a, a, a, a, a, a, a, a, a, a);
        for (var round = 0; round < Rounds; round++)
        {
            a = Vector256.FusedMultiplyAdd(a, factor, factor);
            b = Vector256.FusedMultiplyAdd(b, factor, factor);
            c = Vector256.FusedMultiplyAdd(c, factor, factor);
            d = Vector256.FusedMultiplyAdd(d, factor, factor);
            e = Vector256.FusedMultiplyAdd(e, factor, factor);
            f = Vector256.FusedMultiplyAdd(f, factor, factor);
            g = Vector256.FusedMultiplyAdd(g, factor, factor);
            h = Vector256.FusedMultiplyAdd(h, factor, factor);
            i = Vector256.FusedMultiplyAdd(i, factor, factor);
            j = Vector256.FusedMultiplyAdd(j, factor, factor);
            k = Vector256.FusedMultiplyAdd(k, factor, factor);
            l = Vector256.FusedMultiplyAdd(l, factor, factor);
        }

        return (a + b + c + d + e + f + g + h + i + j + k + l)[0];
    }

    // The same in the wider registers: vectors have no common type that the compiler keeps in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run512(Vector512<float> factor)
    {
        var a = factor;
        var (b, c, d, e, f, g, h, i, j, k, l) = (a, a, a, a, a, a, a, a, a, a, a);
        for (var round = 0; round < Rounds; round++)
        {
            a = Vector512.FusedMultiplyAdd(a, factor, factor);
            b = Vector512.FusedMultiplyAdd(b, factor, factor);
            c = Vector512.FusedMultiplyAdd(c, factor, factor);
            d = Vector512.FusedMultiplyAdd(d, factor, factor);
            e = Vector512.FusedMultiplyAdd(e, factor, factor);
            f = Vector512.FusedMultiplyAdd(f, factor, factor);
            g = Vector512.FusedMultiplyAdd(g, factor, factor);
            h = Vector512.FusedMultiplyAdd(h, factor, factor);
            i = Vector512.FusedMultiplyAdd(i, factor, factor);
            j = Vector512.FusedMultiplyAdd(j, factor, factor);
            k = Vector512.FusedMultiplyAdd(k, factor, factor);
            l = Vector512.FusedMultiplyAdd(l, factor, factor);
        }

        return (a + b + c + d + e + f + g + h + i + j + k + l)[0];
    }
}
