using SkiaSharp;

namespace Studio.Data;

/// <summary>What is accepted of what comes from the page. Only headers are read: nothing is decoded yet.</summary>
internal static class UploadedImage
{
    /// <summary>The most bytes of an image file.</summary>
    public const int MostBytes = 64 << 20;

    private const long MostPixels = 150_000_000;

    /// <summary>Reads a body, up to the bound.</summary>
    /// <exception cref="RefusedException">It is larger, or empty.</exception>
    public static async Task<byte[]> ReadAsync(Stream body, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        var buffer = new byte[1 << 16];
        int read;
        while ((read = await body.ReadAsync(buffer, cancellation)) > 0)
        {
            if (content.Length + read > MostBytes)
            {
                throw new RefusedException($"The file has more than {MostBytes >> 20} MiB.", StatusCodes.Status413PayloadTooLarge);
            }

            content.Write(buffer, 0, read);
        }

        return content.Length > 0 ? content.ToArray() : throw new RefusedException("The file is empty.");
    }

    /// <summary>Reads an image's header.</summary>
    /// <returns>The ending that its file's name must have.</returns>
    /// <exception cref="RefusedException">It is no image, or too large.</exception>
    public static string Check(byte[] content)
    {
        using var data = SKData.CreateCopy(content);
        using var codec = SKCodec.Create(data);
        var extension = codec?.EncodedFormat switch
        {
            SKEncodedImageFormat.Jpeg => ".jpg",
            SKEncodedImageFormat.Png => ".png",
            SKEncodedImageFormat.Webp => ".webp",
            SKEncodedImageFormat.Gif => ".gif",
            SKEncodedImageFormat.Bmp => ".bmp",
            _ => throw new RefusedException("This is not a JPEG, PNG, WebP, GIF or BMP image.", StatusCodes.Status415UnsupportedMediaType),
        };
        var (width, height) = (codec!.Info.Width, codec.Info.Height);
        return (long)width * height <= MostPixels
            ? extension
            : throw new RefusedException(
                $"The image has {width:n0} × {height:n0} pixels; {MostPixels:n0} in all are accepted.",
                    StatusCodes.Status413PayloadTooLarge);
    }
}
