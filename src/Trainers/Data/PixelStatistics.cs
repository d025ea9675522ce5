using System.Collections.Immutable;
using System.Numerics;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The mean and standard deviation of pixels, per channel.</summary>
internal readonly record struct PixelStatistics(ImmutableArray<float> Mean, ImmutableArray<float> StandardDeviation)
{
    /// <summary>Measures them; every pixel of every image counts the same.</summary>
    public static PixelStatistics Measure<T>(ReadOnlySpan<StoredImage<T>> images, int channels)
        where T : unmanaged, INumberBase<T>
    {
        var (sums, squares, count) = (new double[channels], new double[channels], 0L);
        foreach (var image in images)
        {
            for (var i = 0; i < image.Pixels.Length;)
            {
                for (var channel = 0; channel < channels; channel++)
                {
                    var value = double.CreateTruncating(image.Pixels[i++]);
                    sums[channel] += value;
                    squares[channel] += value * value;
                }
            }

            count += image.Pixels.Length / channels;
        }

        var means = sums.Select(sum => sum / count).ToArray();

        // A channel that is the same everywhere says nothing; 1 leaves it at zero.
        var deviations = squares.Select((square, channel) => Math.Sqrt(Math.Max(0, square / count - means[channel] * means[channel])))
            .Select(deviation => deviation > 1e-6 ? deviation : 1);
        return new PixelStatistics([.. means.Select(mean => (float)mean)], [.. deviations.Select(deviation => (float)deviation)]);
    }
}
