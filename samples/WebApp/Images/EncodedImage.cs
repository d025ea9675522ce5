using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;

namespace WebApp.Images;

/// <summary>An image file in memory, of which only the header was read, and which is within the limits.</summary>
internal sealed class EncodedImage : IDisposable
{
    private readonly SKCodec _codec;
    private readonly bool _applyExifOrientation;

    private EncodedImage(SKCodec codec, bool applyExifOrientation) => (_codec, _applyExifOrientation) = (codec, applyExifOrientation);

    /// <summary>Reads the header. What is in the file decides, not its name or its media type.</summary>
    /// <exception cref="UnusableImageException">It is not an image of a known format, or it is too large.</exception>
    public static EncodedImage Open(ReadOnlySpan<byte> content, ServiceOptions limits)
    {
        if (content.IsEmpty)
        {
            throw new UnusableImageException(StatusCodes.Status400BadRequest, "Empty image", "The image has no bytes.");
        }

        if (content.Length > limits.MaxImageBytes)
        {
            throw new UnusableImageException(
                StatusCodes.Status413PayloadTooLarge,
                "Image file too large",
                $"The file has {content.Length:n0} bytes; {limits.MaxImageBytes:n0} are accepted.");
        }

        using var data = Copy(content);
        var codec = SKCodec.Create(data);
        if (codec?.EncodedFormat is not (SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Png or SKEncodedImageFormat.Webp
            or SKEncodedImageFormat.Gif or SKEncodedImageFormat.Bmp))
        {
            codec?.Dispose();
            throw new UnusableImageException(
                StatusCodes.Status415UnsupportedMediaType, "Not an image", "This is not a JPEG, PNG, WebP, GIF or BMP image.");
        }

        var pixels = (long)codec.Info.Width * codec.Info.Height;
        if (pixels > limits.MaxPixels)
        {
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            codec.Dispose();
            throw new UnusableImageException(
                StatusCodes.Status413PayloadTooLarge,
                "Too many pixels",
                $"The image has {width:n0} × {height:n0} pixels; {limits.MaxPixels:n0} in all are accepted.");
        }

        return new EncodedImage(codec, limits.ApplyExifOrientation);
    }

    /// <summary>
    /// Decodes the image, once, to the pixels that ML.NET's LoadImages gives for the file; turned as its EXIF orientation says, where that
    /// is wanted.
    /// </summary>
    /// <remarks><see cref="MLImage.CreateFromStream"/> would take a file that ends too early, and fill the rest with grey.</remarks>
    /// <exception cref="UnusableImageException">The file is damaged or ends too early.</exception>
    public MLImage Decode()
    {
        var own = _codec.Info;
        var info = own.WithColorSpace(null).WithAlphaType(own.AlphaType == SKAlphaType.Unpremul ? SKAlphaType.Premul : own.AlphaType);
        using var decoded = new SKBitmap(info);
        if (_codec.GetPixels(info, decoded.GetPixels()) != SKCodecResult.Success)
        {
            throw new UnusableImageException(
                StatusCodes.Status422UnprocessableEntity, "Damaged image", "The image is damaged, or its file ends too early.");
        }

        // Of a progressive JPEG it holds all coefficients, six or eight bytes a pixel: free them before the pixels are copied.
        var origin = _codec.EncodedOrigin;
        _codec.Dispose();
        if (_applyExifOrientation && origin != SKEncodedOrigin.TopLeft)
        {
            using var upright = ExifOrientation.Apply(decoded, origin);
            decoded.Dispose();
            return ToMLImage(upright);
        }

        using var converted = decoded.ColorType == SKColorType.Bgra8888 ? null : decoded.Copy(SKColorType.Bgra8888);
        return ToMLImage(converted ?? decoded);
    }

    public void Dispose() => _codec.Dispose();

    // A JPEG without its mark of the end, and zeros instead: at the mark, libjpeg makes up what is missing of the image, and says nothing.
    private static unsafe SKData Copy(ReadOnlySpan<byte> content)
    {
        var end = JpegScan.EndOfOnly(content);
        var image = content[..(end ?? content.Length)];
        var data = SKData.Create(image.Length + (end is null ? 0 : JpegScan.ReadAhead));
        var bytes = new Span<byte>((void*)data.Data, (int)data.Size);
        image.CopyTo(bytes);
        bytes[image.Length..].Clear();
        return data;
    }

    private static MLImage ToMLImage(SKBitmap bitmap) =>
        MLImage.CreateFromPixels(bitmap.Width, bitmap.Height, MLPixelFormat.Bgra32, bitmap.GetPixelSpan());
}
