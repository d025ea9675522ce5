using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Resizes a part of an image with a triangle filter as wide as the reduction, so that every pixel counts: what Pillow and
/// torchvision call antialiased bilinear.
/// </summary>
internal static class Resampler
{
    /// <summary>Resizes a rectangle of an image.</summary>
    /// <param name="source">The image.</param>
    /// <param name="crop">The rectangle, inside the image.</param>
    /// <param name="target">The result, channels last: targetHeight × targetWidth × channels.</param>
    /// <param name="targetHeight">The result's height in pixels.</param>
    /// <param name="targetWidth">The result's width in pixels.</param>
    public static void Resize<T>(SourcePixels<T> source, CropWindow crop, Span<float> target, int targetHeight, int targetWidth)
        where T : unmanaged, INumberBase<T> =>
        Resize(source, crop, target, [], targetHeight, targetWidth);

    /// <summary>Resizes a whole image.</summary>
    public static void Resize<T>(SourcePixels<T> source, Span<float> target, int targetHeight, int targetWidth)
        where T : unmanaged, INumberBase<T> =>
        Resize(source, source.Whole, target, [], targetHeight, targetWidth);

    /// <summary>Resizes a whole image of bytes to bytes: what it gives as floats, rounded by <see cref="Round"/>.</summary>
    public static void Resize(SourcePixels<byte> source, Span<byte> target, int targetHeight, int targetWidth) =>
        Resize(source, source.Whole, [], target, targetHeight, targetWidth);

    // To floats or to bytes. Compiled at full speed at once, as all loops here: the first hundred images would otherwise take three times
    // as long.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Resize<T>(
        SourcePixels<T> source, CropWindow crop, Span<float> floats, Span<byte> bytes, int targetHeight, int targetWidth)
        where T : unmanaged, INumberBase<T>
    {
        var (width, stride, channels) = (source.Width, source.Stride, source.Channels.Length);
        var columns = Taps.For(crop.Left, crop.Width, width, targetWidth);
        var rows = Taps.For(crop.Top, crop.Height, source.Height, targetHeight);

        // Across, then down; of the rows that went across only those are kept that the next row of the result is made of.
        var rowSize = targetWidth * channels;
        var lineSize = rowSize + 1; // a pixel is written as four values where it has three: the fourth is overwritten
        var firstColumn = columns.First[0];
        var columnCount = columns.First[targetWidth - 1] + columns.Count - firstColumn;
        var across = ArrayPool<float>.Shared.Rent(rows.Count * lineSize);
        var line = ArrayPool<float>.Shared.Rent(columnCount * stride + 1);
        var sums = ArrayPool<float>.Shared.Rent(rowSize);
        var next = 0;
        for (var y = 0; y < targetHeight; y++)
        {
            var first = rows.First[y];
            for (next = Math.Max(next, first); next < first + rows.Count; next++)
            {
                ToFloat(source.Values.Slice((next * width + firstColumn) * stride, columnCount * stride), line);
                var row = across.AsSpan(next % rows.Count * lineSize, lineSize);
                ResizeRow(line.AsSpan(0, columnCount * stride + 1), firstColumn, stride, source.Channels, columns, row);
            }

            var result = bytes.IsEmpty ? floats.Slice(y * rowSize, rowSize) : sums.AsSpan(0, rowSize);
            var weights = rows.Weights.AsSpan(y * rows.Count, rows.Count);
            AddRows(across.AsSpan(0, rows.Count * lineSize), lineSize, first % rows.Count, weights, result);
            if (!bytes.IsEmpty)
            {
                Round(result, bytes.Slice(y * rowSize, rowSize));
            }
        }

        ArrayPool<float>.Shared.Return(sums);
        ArrayPool<float>.Shared.Return(line);
        ArrayPool<float>.Shared.Return(across);
        columns.Return();
        rows.Return();
    }

    /// <summary>Rounds values to bytes, halves to even; what is outside 0 to 255 is brought to the nearer end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(ReadOnlySpan<float> values, Span<byte> result)
    {
        var i = 0;
        for (; i + Vector256<byte>.Count <= values.Length; i += Vector256<byte>.Count)
        {
            var part = values.Slice(i, Vector256<byte>.Count);
            var low = Vector256.Narrow(Rounded(part), Rounded(part[8..]));
            var high = Vector256.Narrow(Rounded(part[16..]), Rounded(part[24..]));
            Vector256.Narrow(low, high).CopyTo(result[i..]);
        }

        for (; i < values.Length; i++)
        {
            result[i] = (byte)Math.Clamp(MathF.Round(values[i]), 0f, 255f);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Rounded(ReadOnlySpan<float> values)
    {
        var rounded = Vector256.Round(Vector256.Create(values));
        return Vector256.ConvertToInt32(Vector256.Clamp(rounded, Vector256<float>.Zero, Vector256.Create(255f))).AsUInt32();
    }

    /// <summary>Converts values; the result may be longer than they are.</summary>
    public static void ToFloat<T>(ReadOnlySpan<T> values, Span<float> result)
        where T : unmanaged, INumberBase<T>
    {
        if (typeof(T) == typeof(byte))
        {
            ToFloat(MemoryMarshal.Cast<T, byte>(values), result);
        }
        else
        {
            TensorPrimitives.ConvertTruncating(values, result);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToFloat(ReadOnlySpan<byte> values, Span<float> result)
    {
        var i = 0;
        for (; i + Vector128<byte>.Count <= values.Length; i += Vector128<byte>.Count)
        {
            var (low, high) = Vector128.Widen(Vector128.Create(values[i..]));
            var ((first, second), (third, fourth)) = (Vector128.Widen(low), Vector128.Widen(high));
            var to = result.Slice(i, Vector128<byte>.Count);
            Vector128.ConvertToSingle(first.AsInt32()).CopyTo(to);
            Vector128.ConvertToSingle(second.AsInt32()).CopyTo(to[4..]);
            Vector128.ConvertToSingle(third.AsInt32()).CopyTo(to[8..]);
            Vector128.ConvertToSingle(fourth.AsInt32()).CopyTo(to[12..]);
        }

        for (; i < values.Length; i++)
        {
            result[i] = values[i];
        }
    }

    private static void ResizeRow(
        ReadOnlySpan<float> row, int firstColumn, int stride, ReadOnlySpan<int> channels, in Taps columns, Span<float> result)
    {
        if (stride is 3 or 4 && (channels.SequenceEqual([0, 1, 2]) || channels.SequenceEqual([2, 1, 0])))
        {
            ResizeColorRow(row, firstColumn, stride, reversed: channels[0] == 2, columns, result);
            return;
        }

        var write = 0;
        for (var x = 0; x < columns.Length; x++)
        {
            var weights = columns.Weights.AsSpan(x * columns.Count, columns.Count);
            foreach (var channel in channels)
            {
                var read = (columns.First[x] - firstColumn) * stride + channel;
                var sum = 0f;
                foreach (var weight in weights)
                {
                    sum += weight * row[read];
                    read += stride;
                }

                result[write++] = sum;
            }
        }
    }

    // All values of a pixel at once, each by the same additions in the same order as one by one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ResizeColorRow(
        ReadOnlySpan<float> row, int firstColumn, int stride, bool reversed, in Taps columns, Span<float> result)
    {
        // Positions ascend: the last is the one that could lie outside.
        var count = columns.Count;
        var first = columns.First.AsSpan(0, columns.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((first[^1] - firstColumn + count - 1) * stride + Vector128<float>.Count, row.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(3 * first.Length + 1, result.Length);
        ref var pixels = ref MemoryMarshal.GetReference(row);
        ref var weight = ref MemoryMarshal.GetReference(columns.Weights.AsSpan(0, first.Length * count));
        ref var target = ref MemoryMarshal.GetReference(result);
        for (var x = 0; x < first.Length; x++)
        {
            var (read, sum) = ((nuint)((first[x] - firstColumn) * stride), Vector128<float>.Zero);
            for (var tap = 0; tap < count; tap++)
            {
                sum += Vector128.LoadUnsafe(ref pixels, read) * weight;
                read += (nuint)stride;
                weight = ref Unsafe.Add(ref weight, 1);
            }

            (reversed ? Vector128.Shuffle(sum, Vector128.Create(2, 1, 0, 3)) : sum).StoreUnsafe(ref target, (nuint)(3 * x));
        }
    }

    // Rows lie one after the other, and after the last comes the first again. Each value is the same additions in the same order, however
    // many are added at once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRows(ReadOnlySpan<float> rows, int size, int first, ReadOnlySpan<float> weights, Span<float> result)
    {
        const int Width = 32;
        var i = 0;
        for (; i + Width <= result.Length; i += Width)
        {
            var at = first;
            Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            foreach (var weight in weights)
            {
                var part = rows.Slice(at * size + i, Width);
                sum0 += Vector256.Create(part) * weight;
                sum1 += Vector256.Create(part[8..]) * weight;
                sum2 += Vector256.Create(part[16..]) * weight;
                sum3 += Vector256.Create(part[24..]) * weight;
                at = at + 1 == weights.Length ? 0 : at + 1;
            }

            var target = result.Slice(i, Width);
            sum0.CopyTo(target);
            sum1.CopyTo(target[8..]);
            sum2.CopyTo(target[16..]);
            sum3.CopyTo(target[24..]);
        }

        for (; i < result.Length; i++)
        {
            var (at, sum) = (first, 0f);
            foreach (var weight in weights)
            {
                sum += rows[at * size + i] * weight;
                at = at + 1 == weights.Length ? 0 : at + 1;
            }

            result[i] = sum;
        }
    }

    /// <summary>
    /// For each of <see cref="Length"/> positions along one axis of the result: the first of <see cref="Count"/> source positions, and
    /// their weights. The arrays are rented.
    /// </summary>
    private readonly record struct Taps(int[] First, float[] Weights, int Length, int Count)
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static Taps For(double start, double length, int sourceSize, int targetSize)
        {
            var scale = length / targetSize;
            var support = Math.Max(scale, 1);              // half the filter's width, in source pixels
            var count = Math.Min((int)Math.Ceiling(support) * 2 + 1, sourceSize);
            var first = ArrayPool<int>.Shared.Rent(targetSize);
            var weights = ArrayPool<float>.Shared.Rent(targetSize * count);
            for (var i = 0; i < targetSize; i++)
            {
                var center = start + (i + 0.5) * scale;
                first[i] = Math.Clamp((int)Math.Floor(center - support), 0, sourceSize - count);
                Fill(weights.AsSpan(i * count, count), first[i], center, support);
            }

            return new Taps(first, weights, targetSize, WithoutZeros(first, weights, targetSize, count));
        }

        // Most filters are narrower than the widest could be: what all of them leave out on either side is not added up. Packs the weights
        // in place.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static int WithoutZeros(int[] first, float[] weights, int targetSize, int count)
        {
            var widest = 1;
            for (var i = 0; i < targetSize; i++)
            {
                var own = weights.AsSpan(i * count, count);
                widest = Math.Max(widest, own.LastIndexOfAnyExcept(0f) - own.IndexOfAnyExcept(0f) + 1);
            }

            for (var i = 0; i < targetSize; i++)
            {
                var own = weights.AsSpan(i * count, count);
                var skipped = Math.Min(own.IndexOfAnyExcept(0f), count - widest);
                own.Slice(skipped, widest).CopyTo(weights.AsSpan(i * widest, widest));
                first[i] += skipped;
            }

            return widest;
        }

        public void Return()
        {
            ArrayPool<int>.Shared.Return(First);
            ArrayPool<float>.Shared.Return(Weights);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Fill(Span<float> weights, int first, double center, double support)
        {
            var sum = 0.0;
            for (var tap = 0; tap < weights.Length; tap++)
            {
                var weight = Math.Max(0, 1 - Math.Abs(first + tap + 0.5 - center) / support);
                weights[tap] = (float)weight;
                sum += weight;
            }

            foreach (ref var weight in weights)
            {
                weight = (float)(weight / sum);
            }
        }
    }
}

/// <summary>A rectangle of an image, in pixels; edges may lie between pixels.</summary>
internal readonly record struct CropWindow(double Left, double Top, double Width, double Height)
{
    public static CropWindow Whole(int height, int width) => new(0, 0, width, height);
}
