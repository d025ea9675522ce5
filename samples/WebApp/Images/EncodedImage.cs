using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using SkiaSharp;

namespace WebApp.Images;

/// <summary>An image file in memory, of which only the header was read, and which is within the limits.</summary>
internal readonly struct EncodedImage
{
    private readonly ReadOnlyMemory<byte> _content;
    private readonly ServiceOptions _options;

    private EncodedImage(ReadOnlyMemory<byte> content, ServiceOptions options) => (_content, _options) = (content, options);

    /// <summary>Reads the header. What is in the file decides, not its name or its media type.</summary>
    /// <exception cref="UnusableImageException">It is not an image of a known format, or it is too large.</exception>
    public static EncodedImage Open(ReadOnlyMemory<byte> content, ServiceOptions options)
    {
        if (content.IsEmpty)
        {
            throw new UnusableImageException(StatusCodes.Status400BadRequest, "Empty image", "The image has no bytes.");
        }

        if (content.Length > options.MaxImageBytes)
        {
            throw new UnusableImageException(
                StatusCodes.Status413PayloadTooLarge,
                "Image file too large",
                $"The file has {content.Length:n0} bytes; {options.MaxImageBytes:n0} are accepted.");
        }

        using var data = SKData.CreateCopy(content.Span);
        using var codec = SKCodec.Create(data);
        if (codec?.EncodedFormat is not (SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Png or SKEncodedImageFormat.Webp
            or SKEncodedImageFormat.Gif or SKEncodedImageFormat.Bmp))
        {
            throw new UnusableImageException(
                StatusCodes.Status415UnsupportedMediaType, "Not an image", "This is not a JPEG, PNG, WebP, GIF or BMP image.");
        }

        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if ((long)width * height > options.MaxPixels)
        {
            throw new UnusableImageException(
                StatusCodes.Status413PayloadTooLarge,
                "Too many pixels",
                $"The image has {width:n0} × {height:n0} pixels; {options.MaxPixels:n0} in all are accepted.");
        }

        return new EncodedImage(content, options);
    }

    /// <summary>
    /// Decodes the image to the pixels that ML.NET's LoadImages gives for the file; turned as its EXIF orientation says, where that is
    /// wanted.
    /// </summary>
    /// <exception cref="UnusableImageException">The file is damaged or ends too early.</exception>
    public MLImage Decode()
    {
        try
        {
            return ResNetImage.Decode(_content.Span, _options.MaxPixels, _options.ApplyExifOrientation);
        }
        catch (InvalidDataException)
        {
            throw new UnusableImageException(
                StatusCodes.Status422UnprocessableEntity, "Damaged image", "The image is damaged, or its file ends too early.");
        }
    }
}
