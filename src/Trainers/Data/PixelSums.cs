using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Sums of bytes and of their squares, for each channel: whole numbers, the same in whatever order they are added.</summary>
/// <param name="channels">The number of channels.</param>
internal sealed class PixelSums(int channels)
{
    private const int Block = 3 * 16; // as many bytes as 1, 2, 3, 4 or 6 channels divide: a place in it is always the same channel's
    private const int MostBlocks = 256; // so many bytes have a sum below 2^16, and so many squares one below 2^32

    private readonly long[] _sums = new long[channels];
    private readonly long[] _squares = new long[channels];

    public ReadOnlySpan<long> Sums => _sums;

    public ReadOnlySpan<long> Squares => _squares;

    /// <summary>Adds an image.</summary>
    /// <param name="pixels">Its bytes, channels last.</param>
    public void Add(ReadOnlySpan<byte> pixels)
    {
        while (Block % channels == 0 && pixels.Length >= Block)
        {
            var part = pixels[..Math.Min(pixels.Length / Block * Block, MostBlocks * Block)];
            AddBlocks(part);
            pixels = pixels[part.Length..];
        }

        for (var i = 0; i < pixels.Length; i++)
        {
            var (value, channel) = (pixels[i], i % channels);
            _sums[channel] += value;
            _squares[channel] += value * value;
        }
    }

    public void Add(PixelSums other)
    {
        for (var channel = 0; channel < channels; channel++)
        {
            _sums[channel] += other._sums[channel];
            _squares[channel] += other._squares[channel];
        }
    }

    /// <summary>Puts in the place of the sums what others come to together with them.</summary>
    /// <param name="add">Gets the sums of all, given those of this one.</param>
    public void AddUp(Func<long[], long[]> add)
    {
        add(_sums).CopyTo(_sums, 0);
        add(_squares).CopyTo(_squares, 0);
    }

    // Compiled at full speed at once: it would be slower than decoding before the runtime noticed how often it runs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddBlocks(ReadOnlySpan<byte> pixels)
    {
        Vector256<ushort> sum0 = default, sum1 = default, sum2 = default;
        Vector256<uint> low0 = default, low1 = default, low2 = default, high0 = default, high1 = default, high2 = default;
        for (; pixels.Length >= Block; pixels = pixels[Block..])
        {
            Add(Vector128.Create(pixels), ref sum0, ref low0, ref high0);
            Add(Vector128.Create(pixels[16..]), ref sum1, ref low1, ref high1);
            Add(Vector128.Create(pixels[32..]), ref sum2, ref low2, ref high2);
        }

        Collect(0, sum0, low0, high0);
        Collect(16, sum1, low1, high1);
        Collect(32, sum2, low2, high2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector128<byte> bytes, ref Vector256<ushort> sum, ref Vector256<uint> low, ref Vector256<uint> high)
    {
        var (lower, upper) = Vector128.Widen(bytes);
        var values = Vector256.Create(lower, upper);
        var (lowSquares, highSquares) = Vector256.Widen(values * values); // 255² fits
        sum += values;
        low += lowSquares;
        high += highSquares;
    }

    private void Collect(int first, Vector256<ushort> sum, Vector256<uint> low, Vector256<uint> high)
    {
        for (var i = 0; i < Vector256<ushort>.Count; i++)
        {
            var channel = (first + i) % channels;
            _sums[channel] += sum[i];
            _squares[channel] += i < Vector256<uint>.Count ? low[i] : high[i - Vector256<uint>.Count];
        }
    }
}
