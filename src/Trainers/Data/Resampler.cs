using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
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
    /// <param name="source">The image, channels last.</param>
    /// <param name="height">The image's height in pixels.</param>
    /// <param name="width">The image's width in pixels.</param>
    /// <param name="stride">The values from one pixel to the next.</param>
    /// <param name="channels">The channels to take of each pixel, in the order wanted.</param>
    /// <param name="crop">The rectangle, inside the image.</param>
    /// <param name="target">The result, channels last: targetHeight × targetWidth × channels.</param>
    /// <param name="targetHeight">The result's height in pixels.</param>
    /// <param name="targetWidth">The result's width in pixels.</param>
    public static void Resize<T>(
        ReadOnlySpan<T> source, int height, int width, int stride, ReadOnlySpan<int> channels, CropWindow crop, Span<float> target, int targetHeight, int targetWidth)
        where T : unmanaged, INumberBase<T>
    {
        var columns = Taps.For(crop.Left, crop.Width, width, targetWidth);
        var rows = Taps.For(crop.Top, crop.Height, height, targetHeight);
        var firstRow = rows.First[0];
        var lastRow = rows.First[targetHeight - 1] + rows.Count;

        // Across first, for the rows that the second pass reads; then down. A pixel is written as four values where it has three: the fourth is overwritten.
        var rowSize = targetWidth * channels.Length;
        var firstColumn = columns.First[0];
        var columnCount = columns.First[targetWidth - 1] + columns.Count - firstColumn;
        var across = ArrayPool<float>.Shared.Rent((lastRow - firstRow) * rowSize + 1);
        var line = ArrayPool<float>.Shared.Rent(columnCount * stride + 1);
        for (var y = firstRow; y < lastRow; y++)
        {
            ToFloat(source.Slice((y * width + firstColumn) * stride, columnCount * stride), line);
            ResizeRow(line, firstColumn, stride, channels, columns, across.AsSpan((y - firstRow) * rowSize, rowSize + 1));
        }

        ArrayPool<float>.Shared.Return(line);
        for (var y = 0; y < targetHeight; y++)
        {
            var result = target.Slice(y * rowSize, rowSize);
            result.Clear();
            for (var tap = 0; tap < rows.Count; tap++)
            {
                var weight = rows.Weights[y * rows.Count + tap];
                var row = across.AsSpan((rows.First[y] + tap - firstRow) * rowSize, rowSize);
                TensorPrimitives.MultiplyAdd(row, weight, result, result);
            }
        }

        ArrayPool<float>.Shared.Return(across);
        columns.Return();
        rows.Return();
    }

    private static void ToFloat<T>(ReadOnlySpan<T> values, Span<float> result)
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

    private static void ResizeRow(ReadOnlySpan<float> row, int firstColumn, int stride, ReadOnlySpan<int> channels, in Taps columns, Span<float> result)
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
    private static void ResizeColorRow(ReadOnlySpan<float> row, int firstColumn, int stride, bool reversed, in Taps columns, Span<float> result)
    {
        var count = columns.Count;
        for (var x = 0; x < columns.Length; x++)
        {
            var weights = columns.Weights.AsSpan(x * count, count);
            ref var pixels = ref MemoryMarshal.GetReference(row.Slice((columns.First[x] - firstColumn) * stride, (count - 1) * stride + Vector128<float>.Count));
            var sum = Vector128<float>.Zero;
            for (var tap = 0; tap < weights.Length; tap++)
            {
                sum += Vector128.LoadUnsafe(ref pixels, (nuint)(tap * stride)) * weights[tap];
            }

            (reversed ? Vector128.Shuffle(sum, Vector128.Create(2, 1, 0, 3)) : sum).CopyTo(result.Slice(3 * x, Vector128<float>.Count));
        }
    }

    /// <summary>For each of <see cref="Length"/> positions along one axis of the result: the first of <see cref="Count"/> source positions, and their weights. The arrays are rented.</summary>
    private readonly record struct Taps(int[] First, float[] Weights, int Length, int Count)
    {
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

        // Most filters are narrower than the widest could be: what all of them leave out on either side is not added up. Packs the weights in place.
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
