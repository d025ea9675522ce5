using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// For small images: padded on each side, then a random crop of the original size, or its mirror image (He et al., 2016, section 4.2:
/// 4 pixels around 32×32). The mean is subtracted before the crop and moves with it; padding is zero after normalization.
/// </summary>
/// <param name="shape">The network's input, and the stored images' shape.</param>
/// <param name="normalization">What will subtract a mean from the output. Where the mean is an image, the crop anticipates it.</param>
/// <param name="flip">Whether to mirror half of the images.</param>
internal sealed class CropAndFlip(ImageShape shape, Normalization normalization, bool flip) : IAugmentation
{
    private readonly int _padding = Math.Max(1, Math.Min(shape.Height, shape.Width) / 8);

    public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T>
    {
        var top = random.Next(2 * _padding + 1) - _padding;
        var left = random.Next(2 * _padding + 1) - _padding;
        var mirrored = flip && random.Next(2) == 1;

        var mean = normalization.Mean;
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
                    output[write] = inside ? float.CreateTruncating(image.Pixels[read + channel]) + (mean[write] - mean[read + channel]) : mean[write];
                    write++;
                }
            }
        }
    }
}
