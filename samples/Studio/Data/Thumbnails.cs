using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using SkiaSharp;

namespace Studio.Data;

/// <summary>Makes small pictures of images.</summary>
internal sealed class Thumbnails : IDisposable
{
    private const int Quality = 82;

    // Pictures with as few pixels are shown as they are, each pixel sharp.
    private const int Tiny = 64;

    private readonly SemaphoreSlim _places = new(Environment.ProcessorCount);

    /// <summary>Makes one, at most so many pixels wide and high.</summary>
    /// <exception cref="InvalidDataException">The file is no image, or a damaged one.</exception>
    public async Task<(byte[] Content, string Type)> MakeAsync(string path, int size, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation);
        try
        {
            return await Task.Run(() => Make(path, size), cancellation);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Writes an image as PNG.</summary>
    public static byte[] ToPng(MLImage image)
    {
        using var bitmap = ToBitmap(image);
        return Encode(bitmap, SKEncodedImageFormat.Png);
    }

    public void Dispose() => _places.Dispose();

    private static (byte[] Content, string Type) Make(string path, int size)
    {
        using var image = ResNetImage.Load(path, applyExifOrientation: true);
        using var bitmap = ToBitmap(image);
        if (Math.Max(bitmap.Width, bitmap.Height) <= Tiny)
        {
            return (Encode(bitmap, SKEncodedImageFormat.Png), "image/png");
        }

        var scale = Math.Min(1, (double)size / Math.Max(bitmap.Width, bitmap.Height));
        var (width, height) = (Math.Max(1, (int)(bitmap.Width * scale)), Math.Max(1, (int)(bitmap.Height * scale)));
        using var small = bitmap.Resize(new SKImageInfo(width, height), SKFilterQuality.Medium);
        return (Encode(small, SKEncodedImageFormat.Jpeg), "image/jpeg");
    }

    private static unsafe SKBitmap ToBitmap(MLImage image)
    {
        var color = image.PixelFormat == MLPixelFormat.Rgba32 ? SKColorType.Rgba8888 : SKColorType.Bgra8888;
        var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, color, SKAlphaType.Premul));
        image.Pixels.CopyTo(new Span<byte>((void*)bitmap.GetPixels(), bitmap.ByteCount));
        return bitmap;
    }

    private static byte[] Encode(SKBitmap bitmap, SKEncodedImageFormat format)
    {
        using var data = bitmap.Encode(format, Quality);
        return data.ToArray();
    }
}
