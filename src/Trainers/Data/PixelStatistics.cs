using System.Collections.Immutable;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The mean and standard deviation of pixels: the deviation per channel, the mean per channel or per pixel.</summary>
internal readonly record struct PixelStatistics(ImmutableArray<float> Mean, ImmutableArray<float> StandardDeviation)
{
    /// <summary>Measures them; every pixel of every image counts the same.</summary>
    public static PixelStatistics Measure<T>(ImageSet<T> images, int channels)
        where T : unmanaged, INumberBase<T>
    {
        var (sums, squares) = images is ImageSet<byte> bytes ? SumBytes(bytes, channels) : Sum(images, channels);
        var count = images.Entries.ToArray().Sum(entry => (long)entry.Length) / channels;
        var means = sums.Select(sum => sum / count).ToArray();

        // A channel that is the same everywhere says nothing; 1 leaves it at zero.
        var deviations = squares.Select((square, channel) => Math.Sqrt(Math.Max(0, square / count - means[channel] * means[channel])))
            .Select(deviation => deviation > 1e-6 ? deviation : 1);
        return new PixelStatistics([.. means.Select(mean => (float)mean)], [.. deviations.Select(deviation => (float)deviation)]);
    }

    /// <summary>Measures the mean of each pixel and channel over all images (He et al., 2016, section 4.2); larger images are reduced to the shape.</summary>
    /// <returns>The mean image, planar.</returns>
    public static ImmutableArray<float> MeasureMeanImage<T>(ImageSet<T> images, ImageShape shape)
        where T : unmanaged, INumberBase<T>
    {
        int[] channels = [.. Enumerable.Range(0, shape.Channels)];
        var (sums, values) = (new double[shape.Size], new float[shape.Size]);
        foreach (var image in images)
        {
            if (image.Pixels.Length == values.Length && image.Height == shape.Height)
            {
                TensorPrimitives.ConvertTruncating<T, float>(image.Pixels, values);
            }
            else
            {
                Resampler.Resize<T>(image.Pixels, image.Height, image.Width, shape.Channels, channels, CropWindow.Whole(image.Height, image.Width), values, shape.Height, shape.Width);
            }

            for (var i = 0; i < values.Length; i++)
            {
                sums[i] += values[i];
            }
        }

        var (mean, pixels) = (new float[sums.Length], shape.Height * shape.Width);
        for (var i = 0; i < sums.Length; i++)
        {
            mean[i % shape.Channels * pixels + i / shape.Channels] = (float)(sums[i] / images.Count);
        }

        return [.. mean];
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
        var total = new PixelSums(channels);
        try
        {
            Parallel.For(0, images.Count, () => new PixelSums(channels), (i, _, own) =>
            {
                own.Add(images[i].Pixels);
                return own;
            }, own =>
            {
                lock (total)
                {
                    total.Add(own);
                }
            });
        }
        catch (AggregateException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }

        return ([.. total.Sums], [.. total.Squares]);
    }
}
