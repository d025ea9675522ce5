using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The mean and standard deviation of pixels: the deviation per channel, the mean per channel or per pixel.</summary>
internal readonly record struct PixelStatistics(ImmutableArray<float> Mean, ImmutableArray<float> StandardDeviation)
{
    // Images that are reduced at the same time, and so in memory.
    private const int MeanImageBatch = 16;

    /// <summary>Measures them; every pixel of every image counts the same.</summary>
    public static PixelStatistics Measure<T>(ImageSet<T> images, int channels)
        where T : unmanaged, INumberBase<T>
    {
        var (sums, squares) = images is ImageSet<byte> bytes ? SumBytes(bytes, channels) : SumInOrder(images, channels);
        var count = 0L;
        foreach (ref readonly var entry in images.Entries)
        {
            count += entry.Length / channels;
        }

        var means = sums.Select(sum => sum / count).ToArray();

        // A channel that is the same everywhere says nothing; 1 leaves it at zero.
        var deviations = squares.Select((square, channel) => Math.Sqrt(Math.Max(0, square / count - means[channel] * means[channel])))
            .Select(deviation => deviation > 1e-6 ? deviation : 1);
        return new PixelStatistics([.. means.Select(mean => (float)mean)], [.. deviations.Select(deviation => (float)deviation)]);
    }

    /// <summary>
    /// Measures the mean of each pixel and channel over all images (He et al., 2016, section 4.2); larger images are reduced to the shape.
    /// </summary>
    /// <returns>The mean image, planar.</returns>
    public static ImmutableArray<float> MeasureMeanImage<T>(ImageSet<T> images, ImageShape shape)
        where T : unmanaged, INumberBase<T>
    {
        return [.. images.Compute(shape.Size, () => MeanImage(images, shape))];
    }

    private static float[] MeanImage<T>(ImageSet<T> images, ImageShape shape)
        where T : unmanaged, INumberBase<T>
    {
        int[] channels = [.. Enumerable.Range(0, shape.Channels)];
        var (sums, reduced) = (new double[shape.Size], new float[Math.Min(MeanImageBatch, images.Count)][]);
        if (images.Stream is not null)
        {
            foreach (var image in images)
            {
                Reduce(image, shape, channels, reduced[0] ??= new float[shape.Size]);
                Add(reduced[0], sums);
            }

            return Divided(sums, images.Count, shape);
        }

        for (var start = 0; start < images.Count; start += MeanImageBatch)
        {
            // Reduced on all cores, added in their order: sums of fractions are the same bits in one order only.
            var count = Math.Min(MeanImageBatch, images.Count - start);
            OnAllCores(count, i => Reduce(images[start + i], shape, channels, reduced[i] ??= new float[shape.Size]));
            foreach (var values in reduced.AsSpan(0, count))
            {
                Add(values, sums);
            }
        }

        return Divided(sums, images.Count, shape);
    }

    private static float[] Divided(double[] sums, int count, ImageShape shape)
    {
        var (mean, pixels) = (new float[sums.Length], shape.Height * shape.Width);
        for (var i = 0; i < sums.Length; i++)
        {
            mean[i % shape.Channels * pixels + i / shape.Channels] = (float)(sums[i] / count);
        }

        return mean;
    }

    private static (double[] Sums, double[] Squares) SumInOrder<T>(ImageSet<T> images, int channels)
        where T : unmanaged, INumberBase<T>
    {
        var all = images.Compute<double>(2 * channels, () =>
        {
            var (sums, squares) = Sum(images, channels);
            return [.. sums, .. squares];
        });
        return (all[..channels], all[channels..]);
    }

    // In their order, in which alone sums of fractions are always the same.
    private static (double[] Sums, double[] Squares) Sum<T>(ImageSet<T> images, int channels)
        where T : unmanaged, INumberBase<T>
    {
        var (sums, squares) = (new double[channels], new double[channels]);
        foreach (var image in images)
        {
            var pixels = image.Pixels;
            for (var i = 0; i < pixels.Length;)
            {
                for (var channel = 0; channel < channels; channel++)
                {
                    var value = double.CreateTruncating(pixels[i++]);
                    sums[channel] += value;
                    squares[channel] += value * value;
                }
            }
        }

        return (sums, squares);
    }

    private static (double[] Sums, double[] Squares) SumBytes(ImageSet<byte> images, int channels)
    {
        if (images.Stream is { Sums: var added })
        {
            return (AsFractions(added.Sums), AsFractions(added.Squares));
        }

        var total = new PixelSums(channels);
        OnAllCores(Environment.ProcessorCount, part =>
        {
            var own = new PixelSums(channels);
            for (var i = part; i < images.Count; i += Environment.ProcessorCount)
            {
                if (!images.Entries[i].IsElsewhere)
                {
                    own.Add(images[i].Pixels);
                }
            }

            lock (total)
            {
                total.Add(own);
            }
        });

        return images.Spread is { } spread
            ? (AllOf(spread.Ranks, total.Sums), AllOf(spread.Ranks, total.Squares))
            : ([.. total.Sums], [.. total.Squares]);
    }

    private static double[] AsFractions(ReadOnlySpan<long> sums) => [.. sums.ToArray().Select(sum => (double)sum)];

    // Whole numbers: the same in any order.
    private static double[] AllOf(ICollective ranks, ReadOnlySpan<long> sums)
    {
        var all = new double[sums.Length];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = ranks.All(sums[i]).Sum();
        }

        return all;
    }

    private static void Reduce<T>(in StoredImage<T> image, ImageShape shape, int[] channels, float[] values)
        where T : unmanaged, INumberBase<T>
    {
        if (image.Pixels.Length == values.Length && image.Height == shape.Height)
        {
            Resampler.ToFloat(image.Pixels, values);
        }
        else
        {
            var source = new SourcePixels<T>(image.Pixels, image.Height, image.Width, shape.Channels, channels);
            Resampler.Resize(source, values, shape.Height, shape.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(ReadOnlySpan<float> values, Span<double> sums)
    {
        for (var i = 0; i < values.Length && i < sums.Length; i++)
        {
            sums[i] += values[i];
        }
    }

    private static void OnAllCores(int count, Action<int> work)
    {
        try
        {
            Parallel.For(0, count, work);
        }
        catch (AggregateException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }
    }
}
