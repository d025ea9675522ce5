using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Kernels;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Kernels;

/// <summary>Every width of vectors gives what one float at a time gives; numbers are rounded as Torch rounds them.</summary>
public sealed unsafe class ActivationKernelsTests
{
    private const int Images = 3;
    private const int Channels = 48;

    private static readonly PoolShape Pool = new(Channels, 7, 5, 4, 3, 3, 1);
    private static readonly int Count = Images * (int)Pool.Size;

    public static TheoryData<int, bool> Widths
    {
        get
        {
            TheoryData<int, bool> widths = [];
            foreach (var lanes in new[] { 4, 8, 16 }.Where(lanes => lanes <= ActivationKernels.WidestLanes))
            {
                widths.Add(lanes, false);
                widths.Add(lanes, true);
            }

            return widths;
        }
    }

    [Fact]
    public void RoundsAsTorchDoes()
    {
        TorchRuntime.Initialize();
        float[] special =
        [
            0f, -0f, 1f, 1.00390625f, 1.01171875f, float.MaxValue, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon,
        ];
        var random = new Random(1);
        float[] values =
        [
            .. special, .. Enumerable.Range(0, 101).Select(_ => (float)(random.NextDouble() - 0.5) * MathF.Pow(10, random.Next(-20, 20))),
        ];
        using var scope = NewDisposeScope();
        var expected = MemoryMarshal.Cast<byte, ushort>(tensor(values).to(ScalarType.BFloat16).bytes).ToArray();
        foreach (var lanes in new[] { 1, 4, 8, 16 }.Where(lanes => lanes <= ActivationKernels.WidestLanes))
        {
            var actual = new ushort[values.Length];
            fixed (float* source = values)
            fixed (ushort* target = actual)
            {
                ActivationKernels.For(bfloat16: true, 16, lanes).Round(source, target, values.Length);
            }

            Assert.Equal(expected, actual);
        }
    }

    // Which of the patterns Torch writes for it depends on the kernel.
    [Fact]
    public void WhatIsNotANumberStaysSo()
    {
        foreach (var lanes in new[] { 1, 4, 8, 16 }.Where(lanes => lanes <= ActivationKernels.WidestLanes))
        {
            var kernels = ActivationKernels.For(bfloat16: true, 16, lanes);
            float[] values = [.. Enumerable.Repeat(BitConverter.UInt32BitsToSingle(0x7FFFFFFF), 16)];
            var (rounded, scale, offset) = (new ushort[16], new float[16], new float[16]);
            Array.Fill(scale, 1);
            fixed (float* source = values, s = scale, o = offset)
            fixed (ushort* target = rounded)
            {
                kernels.Round(source, target, 16);
                kernels.Normalize(target, null, rectify: true, target, 1, 16, s, o);
            }

            Assert.All(rounded, bits => Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)bits << 16))));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void AnyWidthGivesTheSame(int lanes, bool bfloat16)
    {
        var (expected, actual) = (Compute(1, bfloat16), Compute(lanes, bfloat16));

        // Sums are taken in another order, and rounding may fall to the other side.
        var tolerance = bfloat16 ? 0.02 : 1e-4;
        Assert.Equal(lanes, ActivationKernels.For(bfloat16, Channels, lanes).Lanes);
        Assert.All(expected.Zip(actual).Index(), each =>
            Assert.All(
                each.Item.First.Zip(each.Item.Second),
                pair => Assert.Equal(pair.First, pair.Second, tolerance * Math.Max(1, Math.Abs(pair.First)))));
    }

    // More than a block of rows that are walked as one, with a rest; rows that are longer than those.
    [Theory]
    [InlineData(16, 5001)]
    [InlineData(48, 1999)]
    [InlineData(1040, 131)]
    public void SumsAreThoseOfEachChannel(int channels, int rows)
    {
        var kernels = ActivationKernels.For(bfloat16: false, channels);
        using var room = new Room(kernels, bfloat16: false);
        float* x = room.Floats(1, rows * channels), g = room.Floats(2, rows * channels), means = room.Floats(3, channels);
        var sums = room.Doubles(2 * channels);
        var ofSums = room.Floats(4, kernels.RoomFor(channels));
        var expected = new double[4 * channels];
        for (var i = 0; i < rows * channels; i++)
        {
            var c = i % channels;
            double d = x[i] - means[c];
            expected[c] += d;
            expected[channels + c] += d * d;
            expected[2 * channels + c] += g[i];
            expected[3 * channels + c] += g[i] * d;
        }

        kernels.Sums(x, rows, channels, means, sums, ofSums);
        double[] actual = [.. new Span<double>(sums, 2 * channels)];
        kernels.GradientSums(g, null, null, x, rows, channels, means, sums, ofSums);
        actual = [.. actual, .. new Span<double>(sums, 2 * channels)];
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
    }

    // What every kernel makes of the same numbers.
    private static double[][] Compute(int lanes, bool bfloat16)
    {
        var kernels = ActivationKernels.For(bfloat16, Channels, lanes);
        var room = new Room(kernels, bfloat16);
        List<double[]> results = [];
        var rows = (nint)(Count / Channels);
        var positions = Pool.Height * Pool.Width;

        void* x = room.Activations(1), y = room.Activations(2), g = room.Activations(3), g2 = room.Activations(4);
        void* target = room.Activations(5);
        float* a = room.Floats(6, Images * Channels), b = room.Floats(7, Channels);
        float* c = room.Floats(8, Channels), d = room.Floats(9, Channels);
        var sums = room.Doubles(2 * Channels);
        var ofSums = room.Floats(14, kernels.RoomFor(Channels));
        kernels.Sums(x, rows, Channels, a, sums, ofSums);
        results.Add(new Span<double>(sums, 2 * Channels).ToArray());
        foreach (var (shortcut, rectify) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            kernels.Normalize(x, shortcut ? g2 : null, rectify, target, rows, Channels, a, b);
            results.Add(room.Read(target, Count));
            var own = room.Activations(3);
            kernels.GradientSums(own, shortcut ? g2 : null, rectify ? y : null, x, rows, Channels, a, sums, ofSums);
            results.Add(room.Read(own, Count));
            results.Add(new Span<double>(sums, 2 * Channels).ToArray());
            kernels.Add(x, shortcut ? a : null, y, rectify, target, Images, (nint)Pool.Size);
            results.Add(room.Read(target, Count));
            own = room.Activations(3);
            kernels.AddGradient(own, g2, rectify ? y : null, shortcut ? a : null, target, Images, (nint)Pool.Size);
            results.Add(room.Read(own, Count));
            results.Add(room.Read(target, Count));
        }

        kernels.NormalizeGradient(g, x, target, rows, Channels, a, b, c, d);
        results.Add(room.Read(target, Count));
        var pooled = room.Activations(10);
        kernels.MaxPool(x, pooled, Images, Pool);
        results.Add(room.Read(pooled, Images * (int)Pool.ResultSize));
        kernels.MaxPoolGradient(g, x, pooled, target, Images, Pool, room.Floats(11, (int)Pool.Size));
        results.Add(room.Read(target, Count));
        var halves = Pool with { Kernel = 2, Padding = 0 };
        kernels.AveragePool(x, pooled, Images, halves);
        results.Add(room.Read(pooled, Images * (int)Pool.ResultSize));
        kernels.AveragePoolGradient(g, target, Images, halves);
        results.Add(room.Read(target, Count));
        var means = room.Floats(12, Images * Channels);
        kernels.Mean(x, means, Images, positions, Channels);
        results.Add(Room.Read(means, Images * Channels));
        kernels.MeanGradient(means, target, Images, positions, Channels);
        results.Add(room.Read(target, Count));
        kernels.Gate(x, a, target, Images, positions, Channels);
        results.Add(room.Read(target, Count));
        kernels.GateGradient(g, x, a, target, means, Images, positions, Channels);
        results.Add(room.Read(target, Count));
        results.Add(Room.Read(means, Images * Channels));
        var parts = stackalloc void*[2] { x, y };
        kernels.AddUp(parts, 2, 3, Count - 2, (float*)room.Floats(13, Count), accumulates: true);
        room.Dispose();
        return [.. results];
    }

    /// <summary>Memory with drawn numbers.</summary>
    private sealed class Room(ActivationKernels kernels, bool bfloat16) : IDisposable
    {
        private readonly List<nint> _blocks = [];

        public void* Activations(int seed)
        {
            var floats = Floats(seed, Count);
            var memory = Take(Count * kernels.ElementSize);
            kernels.Round(floats, memory, Count);
            return memory;
        }

        public float* Floats(int seed, int count)
        {
            var memory = (float*)Take(count * sizeof(float));
            var random = new Random(seed);
            for (var i = 0; i < count; i++)
            {
                memory[i] = (float)(2 * random.NextDouble() - 1);
            }

            return memory;
        }

        public double* Doubles(int count) => (double*)Take(count * sizeof(double));

        public double[] Read(void* source, int count)
        {
            var values = new double[count];
            for (var i = 0; i < count; i++)
            {
                values[i] = bfloat16 ? BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[i] << 16) : ((float*)source)[i];
            }

            return values;
        }

        public static double[] Read(float* source, int count) =>
            [.. new Span<float>(source, count).ToArray().Select(value => (double)value)];

        public void Dispose()
        {
            foreach (var block in _blocks)
            {
                NativeMemory.AlignedFree((void*)block);
            }
        }

        private void* Take(int bytes)
        {
            var memory = NativeMemory.AlignedAlloc((nuint)bytes, 64);
            NativeMemory.Clear(memory, (nuint)bytes);
            _blocks.Add((nint)memory);
            return memory;
        }
    }
}
