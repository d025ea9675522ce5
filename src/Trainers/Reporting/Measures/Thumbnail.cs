using System.Numerics;
using System.Numerics.Tensors;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Trainers.Data;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>A small picture, encoded.</summary>
/// <param name="MediaType">For example <c>image/png</c>.</param>
/// <param name="Bytes">The file's bytes.</param>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
internal sealed record Thumbnail(string MediaType, byte[] Bytes, int Width, int Height)
{
    /// <summary>Up to this side, PNG is as small as JPEG, and shows every pixel as it is.</summary>
    private const int LargestPng = 64;
    private const int JpegQuality = 85;

    /// <summary>Copies an image, reduced so that its longer side is at most a size.</summary>
    public static Thumbnail Of(MLImage image, int size) => Reduce(image.Pixels, image.Height, image.Width, 4, image.Rgb(), size);

    /// <summary>Decodes the picture.</summary>
    public MLImage ToImage()
    {
        using var stream = new MemoryStream(Bytes);
        return MLImage.CreateFromStream(stream);
    }

    /// <summary>Draws a planar vector of 0 to 255, or of any other range, which is then stretched to that.</summary>
    /// <returns>The picture: in colour of three channels, and otherwise in grey of the first.</returns>
    public static Thumbnail OfPlanar<T>(ReadOnlySpan<T> planar, ImageShape shape, int size)
        where T : unmanaged, INumberBase<T>
    {
        var shown = shape.Channels == 3 ? 3 : 1;
        var plane = shape.Height * shape.Width;
        var values = new float[shown * plane];
        for (var i = 0; i < values.Length; i++)
        {
            values[i % plane * shown + i / plane] = float.CreateTruncating(planar[i]);
        }

        if (typeof(T) != typeof(byte))
        {
            Stretch(values);
        }

        return Reduce<float>(values, shape.Height, shape.Width, shown, shown == 3 ? [0, 1, 2] : [0, 0, 0], size);
    }

    private static void Stretch(float[] values)
    {
        var (low, high) = (TensorPrimitives.Min<float>(values), TensorPrimitives.Max<float>(values));
        TensorPrimitives.Subtract(values, low, values);
        TensorPrimitives.Multiply(values, high > low ? 255 / (high - low) : 0, values);
    }

    private static Thumbnail Reduce<T>(ReadOnlySpan<T> pixels, int height, int width, int stride, ReadOnlySpan<int> rgb, int size)
        where T : unmanaged, INumberBase<T>
    {
        var scale = Math.Min(1, (double)size / Math.Max(height, width));
        var (newHeight, newWidth) = (Math.Max(1, (int)Math.Round(scale * height)), Math.Max(1, (int)Math.Round(scale * width)));
        var colors = new float[newHeight * newWidth * 3];
        Resampler.Resize(new SourcePixels<T>(pixels, height, width, stride, rgb), colors, newHeight, newWidth);

        var rgba = new byte[newHeight * newWidth * 4];
        for (var i = 0; i < newHeight * newWidth; i++)
        {
            for (var channel = 0; channel < 3; channel++)
            {
                rgba[4 * i + channel] = (byte)Math.Clamp(MathF.Round(colors[3 * i + channel]), 0, 255);
            }
        }

        var isPng = Math.Max(newHeight, newWidth) <= LargestPng;
        using var copy = SKImage.FromPixelCopy(new SKImageInfo(newWidth, newHeight, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
        using var encoded = copy.Encode(isPng ? SKEncodedImageFormat.Png : SKEncodedImageFormat.Jpeg, JpegQuality);
        return new Thumbnail(isPng ? "image/png" : "image/jpeg", encoded.ToArray(), newWidth, newHeight);
    }
}
