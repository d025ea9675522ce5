using System.Numerics;
using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Data;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Draws a batch as the network sees it: augmented, mixed, and then back from the network's values to pixels.</summary>
internal static class BatchPreview
{
    private const int MostImages = 64;
    private const int SmallestTile = 96; // pixels; smaller images are enlarged by a whole factor, so that each pixel shows
    private const int Gap = 4;

    /// <summary>Writes the first batch of the first epoch as a PNG.</summary>
    public static void Write<T>(TrainingImages<T> images, TrainingSettings settings, Stream stream)
        where T : unmanaged, INumberBase<T>
    {
        using var loader = TrainingBatches.Of(images, settings, epochs: 1);
        foreach (var batch in loader.Epoch(1).Take(1))
        {
            var (count, shape) = (Math.Min(batch.Count, MostImages), batch.Shape);
            var values = batch.ImageValues[..(count * shape.Size)];
            var normalization = new Normalization(images.Preprocessing with { Input = shape });
            for (var i = 0; i < count; i++)
            {
                normalization.Undo(values.Slice(i * shape.Size, shape.Size));
            }

            if (typeof(T) != typeof(byte))
            {
                Stretch(values); // floats have any range
            }

            Draw(values, count, shape, stream);
        }
    }

    private static void Stretch(Span<float> values)
    {
        var (low, high) = (TensorPrimitives.Min<float>(values), TensorPrimitives.Max<float>(values));
        TensorPrimitives.Subtract(values, low, values);
        TensorPrimitives.Multiply(values, high > low ? 255 / (high - low) : 0, values);
    }

    private static void Draw(ReadOnlySpan<float> values, int count, ImageShape shape, Stream stream)
    {
        var scale = Math.Max(1, SmallestTile / Math.Max(shape.Height, shape.Width));
        var (width, height) = (scale * shape.Width + Gap, scale * shape.Height + Gap);
        var columns = (int)Math.Ceiling(Math.Sqrt(count));
        var rows = (count + columns - 1) / columns;
        using var sheet = new SKBitmap(new SKImageInfo(columns * width + Gap, rows * height + Gap, SKColorType.Rgba8888,
            SKAlphaType.Opaque));
        sheet.Erase(SKColors.White);
        using var canvas = new SKCanvas(sheet);
        for (var i = 0; i < count; i++)
        {
            using var tile = Tile(values.Slice(i * shape.Size, shape.Size), shape);
            var (left, top) = (Gap + i % columns * width, Gap + i / columns * height);
            canvas.DrawImage(tile, SKRect.Create(left, top, width - Gap, height - Gap)); // each pixel as it is
        }

        canvas.Flush();
        using var image = SKImage.FromBitmap(sheet);
        using var encoded = image.Encode(SKEncodedImageFormat.Png, quality: 100);
        encoded.SaveTo(stream);
    }

    // In colour of three channels, and otherwise in grey of the first.
    private static SKImage Tile(ReadOnlySpan<float> values, ImageShape shape)
    {
        var rgba = new byte[4 * shape.Height * shape.Width];
        for (var pixel = 0; pixel < shape.Height * shape.Width; pixel++)
        {
            for (var color = 0; color < 3; color++)
            {
                var value = values[pixel * shape.Channels + (shape.Channels == 3 ? color : 0)];
                rgba[4 * pixel + color] = (byte)Math.Clamp(MathF.Round(value), 0, 255);
            }

            rgba[4 * pixel + 3] = 255;
        }

        return SKImage.FromPixelCopy(new SKImageInfo(shape.Width, shape.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
    }
}
