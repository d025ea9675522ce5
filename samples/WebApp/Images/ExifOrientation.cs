using SkiaSharp;

namespace WebApp.Images;

/// <summary>
/// Turns and mirrors a photograph as its EXIF orientation says: cameras store what the sensor saw, and how they were held. The pixels are
/// those that <c>ResNetImage</c> gives to a network in training.
/// </summary>
internal static class ExifOrientation
{
    /// <summary>Makes the upright image.</summary>
    /// <param name="stored">The image as it is stored.</param>
    /// <param name="origin">Where its first row and column belong.</param>
    public static SKBitmap Apply(SKBitmap stored, SKEncodedOrigin origin)
    {
        var isOnItsSide = origin
            is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        var (width, height) = isOnItsSide ? (stored.Height, stored.Width) : (stored.Width, stored.Height);
        var upright = new SKBitmap(new SKImageInfo(width, height, SKColorType.Bgra8888, stored.AlphaType));
        using var canvas = new SKCanvas(upright);
        using var paint = new SKPaint { BlendMode = SKBlendMode.Src }; // pixels move, and are not mixed
        canvas.SetMatrix(Matrix(origin, width, height));
        canvas.DrawBitmap(stored, 0, 0, paint);
        return upright;
    }

    // From stored to upright, whose width and height are given.
    private static SKMatrix Matrix(SKEncodedOrigin origin, float width, float height) => origin switch
    {
        SKEncodedOrigin.TopRight => new SKMatrix(-1, 0, width, 0, 1, 0, 0, 0, 1),
        SKEncodedOrigin.BottomRight => new SKMatrix(-1, 0, width, 0, -1, height, 0, 0, 1),
        SKEncodedOrigin.BottomLeft => new SKMatrix(1, 0, 0, 0, -1, height, 0, 0, 1),
        SKEncodedOrigin.LeftTop => new SKMatrix(0, 1, 0, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightTop => new SKMatrix(0, -1, width, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightBottom => new SKMatrix(0, -1, width, -1, 0, height, 0, 0, 1),
        SKEncodedOrigin.LeftBottom => new SKMatrix(0, 1, 0, -1, 0, height, 0, 0, 1),
        _ => SKMatrix.Identity,
    };
}
