using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Crops a rectangle of an image and resizes it to a shape; may mirror it.</summary>
/// <param name="shape">The result's shape.</param>
/// <param name="flip">Whether to mirror half of the images.</param>
internal sealed class CropResizer(ImageShape shape, bool flip)
{
    private readonly int[] _channels = [.. Enumerable.Range(0, shape.Channels)];

    public void Apply<T>(in StoredImage<T> image, CropWindow crop, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T>
    {
        var source = new SourcePixels<T>(image.Pixels, image.Height, image.Width, shape.Channels, _channels);
        Resampler.Resize(source, crop, output, shape.Height, shape.Width);
        if (flip && random.Next(2) == 1)
        {
            Mirror(output);
        }
    }

    private void Mirror(Span<float> pixels)
    {
        var rowSize = shape.Width * shape.Channels;
        for (var start = 0; start < pixels.Length; start += rowSize)
        {
            pixels.Slice(start, rowSize).Reverse();
        }

        // That turned each pixel's channels round, too.
        for (var start = 0; start < pixels.Length; start += shape.Channels)
        {
            pixels.Slice(start, shape.Channels).Reverse();
        }
    }
}
