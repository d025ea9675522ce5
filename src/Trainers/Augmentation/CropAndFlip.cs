using System.Numerics;
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

        var mean = normalization.Mean;
        var pixels = image.Pixels;
        var (channels, write) = (shape.Channels, 0);
        for (var y = top; y < top + shape.Height; y++)
        {
            for (var i = 0; i < shape.Width; i++)
            {
                var x = left + (mirrored ? shape.Width - 1 - i : i);
                var inside = (uint)y < (uint)shape.Height && (uint)x < (uint)shape.Width;
                var read = (y * shape.Width + x) * channels;
                for (var channel = 0; channel < channels; channel++)
                {
                    crop[write] = inside
                        ? float.CreateTruncating(pixels[read + channel]) + (mean[write] - mean[read + channel])
                        : mean[write];
                    write++;
                }
            }
        }
    }
}
