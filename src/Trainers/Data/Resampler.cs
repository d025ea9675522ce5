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
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        var columns = Taps.For(crop.Left, crop.Width, width, targetWidth);
        var rows = Taps.For(crop.Top, crop.Height, height, targetHeight);
        var firstRow = rows.First[0];
        var lastRow = rows.First[targetHeight - 1] + rows.Count;

        // Across first, for the rows that the second pass reads; then down.
        var rowSize = targetWidth * channels.Length;
        var across = System.Buffers.ArrayPool<float>.Shared.Rent((lastRow - firstRow) * rowSize);
        for (var y = firstRow; y < lastRow; y++)
        {
            ResizeRow(source.Slice(y * width * stride, width * stride), stride, channels, columns, across.AsSpan((y - firstRow) * rowSize, rowSize));
        }

        for (var y = 0; y < targetHeight; y++)
        {
            var result = target.Slice(y * rowSize, rowSize);
            result.Clear();
            for (var tap = 0; tap < rows.Count; tap++)
            {
                var weight = rows.Weights[y * rows.Count + tap];
                var row = across.AsSpan((rows.First[y] + tap - firstRow) * rowSize, rowSize);
                System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(row, weight, result, result);
            }
        }

        System.Buffers.ArrayPool<float>.Shared.Return(across);
        columns.Return();
        rows.Return();
    }

    private static void ResizeRow<T>(ReadOnlySpan<T> row, int stride, ReadOnlySpan<int> channels, in Taps columns, Span<float> result)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        var write = 0;
        for (var x = 0; x < columns.Length; x++)
        {
            var weights = columns.Weights.AsSpan(x * columns.Count, columns.Count);
            foreach (var channel in channels)
            {
                var read = columns.First[x] * stride + channel;
                var sum = 0f;
                foreach (var weight in weights)
                {
                    sum += weight * float.CreateTruncating(row[read]);
                    read += stride;
                }

                result[write++] = sum;
            }
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
            var first = System.Buffers.ArrayPool<int>.Shared.Rent(targetSize);
            var weights = System.Buffers.ArrayPool<float>.Shared.Rent(targetSize * count);
            for (var i = 0; i < targetSize; i++)
            {
                var center = start + (i + 0.5) * scale;
                first[i] = Math.Clamp((int)Math.Floor(center - support), 0, sourceSize - count);
                Fill(weights.AsSpan(i * count, count), first[i], center, support);
            }

            return new Taps(first, weights, targetSize, count);
        }

        public void Return()
        {
            System.Buffers.ArrayPool<int>.Shared.Return(First);
            System.Buffers.ArrayPool<float>.Shared.Return(Weights);
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
