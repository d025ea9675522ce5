using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// The principal components of a training set's colours, the longest first. The length of each is the colours' standard deviation along it.
/// </summary>
internal readonly record struct PrincipalColors(Vector3 First, Vector3 Second, Vector3 Third)
{
    private const int Channels = 3;

    /// <summary>Measures them; every pixel of every image counts the same.</summary>
    /// <param name="images">Images of three channels.</param>
    /// <exception cref="ArgumentException">An image does not have three channels.</exception>
    public static PrincipalColors Measure<T>(ImageSet<T> images)
        where T : unmanaged, INumberBase<T>
    {
        var (variances, directions) = SymmetricEigen.Decompose(Covariance(images));
        Vector3[] components =
        [
            .. Enumerable.Range(0, Channels)
                .OrderByDescending(i => variances[i])
                .Select(i => (float)Math.Sqrt(Math.Max(0, variances[i])) * Direction(i)),
        ];
        return new PrincipalColors(components[0], components[1], components[2]);

        Vector3 Direction(int i) => new((float)directions[0, i], (float)directions[1, i], (float)directions[2, i]);
    }

    private static double[,] Covariance<T>(ImageSet<T> images)
        where T : unmanaged, INumberBase<T>
    {
        var (sums, covariance, count) = (new double[Channels], new double[Channels, Channels], 0L);
        foreach (var image in images)
        {
            if (image.Pixels.Length != Channels * image.Height * image.Width)
            {
                throw new ArgumentException(
                    $"Principal colours need images of {Channels} channels, "
                    + $"but one of {image.Height}×{image.Width} pixels has {image.Pixels.Length} values.",
                    nameof(images));
            }

            var pixels = image.Pixels;
            for (var i = 0; i < pixels.Length; i += Channels)
            {
                for (var row = 0; row < Channels; row++)
                {
                    var value = double.CreateTruncating(pixels[i + row]);
                    sums[row] += value;
                    for (var column = row; column < Channels; column++)
                    {
                        covariance[row, column] += value * double.CreateTruncating(pixels[i + column]);
                    }
                }
            }

            count += image.Height * image.Width;
        }

        for (var row = 0; row < Channels; row++)
        {
            for (var column = row; column < Channels; column++)
            {
                covariance[row, column] = covariance[row, column] / count - sums[row] / count * (sums[column] / count);
                covariance[column, row] = covariance[row, column];
            }
        }

        return covariance;
    }
}
