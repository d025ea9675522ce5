using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// For small images: padded on each side, then a random crop of the original size, or its mirror image (He et al., 2016, section 4.2:
/// 4 pixels around 32×32). The mean is subtracted before the crop and moves with it; padding is zero after normalization.
/// </summary>
/// <remarks>
/// Where the mean is an image, a value may lie outside the pixels' range, by the difference of two means, until its mean is subtracted.
/// </remarks>
/// <param name="shape">The network's input, and the stored images' shape.</param>
/// <param name="normalization">What subtracts the mean from an output of the network's input shape. Where the mean is an image, the crop
/// makes up for the pixels' new places.</param>
/// <param name="flip">Whether to mirror half of the images.</param>
/// <param name="outputShape">The shape that crops are resized to; null for the network's input.</param>
internal sealed class CropAndFlip(ImageShape shape, Normalization normalization, bool flip, ImageShape? outputShape = null) : IAugmentation
{
    /// <summary>The longest side, in pixels, of images for which this augmentation is the default.</summary>
    public const int LargestImage = 48;

    private readonly int _padding = PaddingOf(shape);
    private readonly ImageShape _outputShape = outputShape ?? shape;
    private readonly float[]? _crop = outputShape is { } other && other != shape ? new float[shape.Size] : null;
    private readonly int[] _channels = [.. Enumerable.Range(0, shape.Channels)];

    /// <summary>Gets the pixels that are added on each side.</summary>
    public static int PaddingOf(ImageShape shape) => Math.Max(1, Math.Min(shape.Height, shape.Width) / 8);

    public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T>
    {
        if (_crop is null)
        {
            Crop(in image, output, random);
            return;
        }

        Crop(in image, _crop, random);
        var crop = new SourcePixels<float>(_crop, shape.Height, shape.Width, shape.Channels, _channels);
        Resampler.Resize(crop, output, _outputShape.Height, _outputShape.Width);
    }

    private void Crop<T>(in StoredImage<T> image, Span<float> crop, Random random)
        where T : unmanaged, INumberBase<T>
    {
        var top = random.Next(2 * _padding + 1) - _padding;
        var left = random.Next(2 * _padding + 1) - _padding;
        var mirrored = flip && random.Next(2) == 1;

        // In a row of the crop, the pixels from first to end lie in the image.
        var shift = mirrored ? -left : left;
        var (first, end) = (Math.Max(0, -shift), Math.Min(shape.Width, shape.Width - shift));
        var mean = normalization.Mean;
        var (channels, values) = (shape.Channels, shape.Width * shape.Channels);
        for (var row = 0; row < shape.Height; row++)
        {
            var y = top + row;
            var target = crop.Slice(row * values, values);
            var meanHere = mean.Slice(row * values, values);
            if ((uint)y >= (uint)shape.Height)
            {
                meanHere.CopyTo(target);
                continue;
            }

            var pixels = image.Pixels.Slice(y * values, values);
            var meanThere = mean.Slice(y * values, values);
            meanHere[..(first * channels)].CopyTo(target);
            meanHere[(end * channels)..].CopyTo(target[(end * channels)..]);
            if (mirrored)
            {
                for (var x = first; x < end; x++)
                {
                    Move(pixels, meanThere, (left + shape.Width - 1 - x) * channels, target, meanHere, x * channels, channels);
                }
            }
            else
            {
                Move(pixels, meanThere, (left + first) * channels, target, meanHere, first * channels, (end - first) * channels);
            }
        }
    }

    private static void Move<T>(
        ReadOnlySpan<T> pixels, ReadOnlySpan<float> meanThere, int from,
        Span<float> target, ReadOnlySpan<float> meanHere, int to, int count)
        where T : unmanaged, INumberBase<T>
    {
        for (var i = 0; i < count; i++)
        {
            target[to + i] = ToSingle(pixels[from + i]) + (meanHere[to + i] - meanThere[from + i]);
        }
    }

    // .NET does not compile its own conversion of a byte into this loop, but calls it for each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float ToSingle<T>(T value)
        where T : unmanaged, INumberBase<T> =>
        typeof(T) == typeof(byte) ? Unsafe.BitCast<T, byte>(value) : float.CreateTruncating(value);
}
