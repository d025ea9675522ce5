using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Interop;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Decodes image files to the pixels that ML.NET's LoadImages gives for them, to the bit, but within bounds.</summary>
/// <remarks>
/// <para>
/// ML.NET hands SkiaSharp a stream. Some damaged files then seek to where no stream can, the exception crosses native code, and the process
/// ends. So the file is read first, and native code sees memory only. Of a pipe, a device and an empty file nothing is read; of an image
/// with too many pixels nothing but the header is decoded.
/// </para>
/// <para>
/// Whether a file is whole, the decoder's result tells, which ML.NET does not look at: it trains on the grey that stands for what is
/// missing. A JPEG's mark of its end is taken away first: at a mark, libjpeg makes up all that is missing, and says nothing; where bytes
/// run out, it does.
/// </para>
/// </remarks>
/// <param name="maxPixels">The most pixels of an image; null for <see cref="DefaultMaxPixels"/>.</param>
/// <param name="applyExifOrientation">Whether photographs are turned as their EXIF orientation says. ML.NET does not.</param>
internal sealed class ImageDecoder(long? maxPixels = null, bool applyExifOrientation = false)
{
    /// <summary>More have more bytes, at four a pixel, than an array can.</summary>
    public const long MostPixels = int.MaxValue / 4;

    // Where Pillow refuses an image as a decompression bomb: half a gigabyte at 3 bytes a pixel.
    private const long CustomaryMaxPixels = 178_956_970;

    // Decoding takes 4 bytes a pixel, a progressive JPEG 10: so that one image leaves two thirds of the memory.
    private const int BytesPerPixel = 32;

    private const int ReadAhead = JpegScan.ReadAhead;

    private readonly long _maxPixels = maxPixels ?? DefaultMaxPixels;
    private string? _turnedFile;

    /// <summary>Gets the most pixels of an image where nothing else is said.</summary>
    public static long DefaultMaxPixels => Math.Min(CustomaryMaxPixels, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / BytesPerPixel);

    /// <summary>Gets whether an image whose end is missing is taken, with grey in its place, as ML.NET does.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool TakesTruncated { get; init; }

    /// <summary>Gets a file whose EXIF orientation says that it is to be turned, and was not; null if there was none.</summary>
    public string? TurnedFile => Volatile.Read(ref _turnedFile);

    /// <summary>Checks a bound on pixels.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is out of its range.</exception>
    public static void CheckMaxPixels(long? maxPixels, string name)
    {
        if (maxPixels is < 1 or > MostPixels)
        {
            var range = string.Create(CultureInfo.InvariantCulture, $"1 to {MostPixels:n0}");
            throw new ArgumentOutOfRangeException(name, maxPixels, $"{name} must be {range} pixels, or null, but is {maxPixels}.");
        }
    }

    /// <summary>Decodes a file. The image's tag is its path, as LoadImages leaves it.</summary>
    /// <exception cref="InvalidDataException">It is no whole image, or has too many pixels. The message names it.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a pipe or a device.</exception>
    public MLImage Load(string path)
    {
        try
        {
            using var data = Read(path);
            var (image, isTurned) = Decode(data);
            if (isTurned && !applyExifOrientation)
            {
                Interlocked.CompareExchange(ref _turnedFile, path, null);
            }

            image.Tag = path;
            return image;
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"Image '{path}' cannot be read: {exception.Message}.", exception);
        }
    }

    /// <summary>Decodes a file in memory.</summary>
    /// <exception cref="InvalidDataException">It is no whole image, or has too many pixels.</exception>
    public MLImage Decode(ReadOnlySpan<byte> content) => Decode(content, "The image");

    /// <summary>Decodes a file in memory, which messages name.</summary>
    /// <param name="content">The file.</param>
    /// <param name="name">What it is called, as the subject of a sentence.</param>
    /// <exception cref="InvalidDataException">It is no whole image, or has too many pixels.</exception>
    public MLImage Decode(ReadOnlySpan<byte> content, string name)
    {
        using var data = SKData.Create(content.Length + ReadAhead);
        content.CopyTo(Bytes(data));
        try
        {
            return Decode(data).Image;
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{name} cannot be read: {exception.Message}.", exception);
        }
    }

    // Into native memory at once: the file's bytes are garbage as soon as they are decoded, and large.
    private static SKData Read(string path)
    {
        using var file = RegularFile.OpenRead(path);
        var length = file.Length;
        if (length > int.MaxValue - ReadAhead)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"its file has {length:n0} bytes, more than any image of an allowed size"));
        }

        var data = SKData.Create((int)length + ReadAhead);
        try
        {
            file.ReadExactly(Bytes(data)[..^ReadAhead]);
            return data;
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private static unsafe Span<byte> Bytes(SKData data) => new((void*)data.Data, (int)data.Size);

    // The file's bytes, without the room behind them or, in a JPEG, with that in the place of its end.
    private SKData Content(SKData data)
    {
        var bytes = Bytes(data);
        if (!TakesTruncated && JpegScan.EndOfOnly(bytes[..^ReadAhead]) is { } end)
        {
            bytes.Slice(end, ReadAhead).Clear();
            return data.Subset(0, (ulong)(end + ReadAhead));
        }

        return data.Subset(0, (ulong)(bytes.Length - ReadAhead));
    }

    private (MLImage Image, bool IsTurned) Decode(SKData data)
    {
        using var content = Content(data);
        using var codec = SKCodec.Create(content)
            ?? throw new InvalidDataException(
                "it is no image that can be decoded: neither JPEG, PNG, WebP, GIF nor BMP, or its header is damaged");
        var own = codec.Info;
        if ((long)own.Width * own.Height > _maxPixels)
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"it has {own.Width:n0} × {own.Height:n0} pixels, and {_maxPixels:n0} in all are allowed. Make it smaller, or allow more"));
        }

        // As SKBitmap.Decode does it, of which ML.NET's images come.
        var info = own.WithColorSpace(null).WithAlphaType(own.AlphaType == SKAlphaType.Unpremul ? SKAlphaType.Premul : own.AlphaType);
        var bitmap = new SKBitmap();
        try
        {
            if (!bitmap.TryAllocPixels(info))
            {
                throw new InvalidDataException(string.Create(
                    CultureInfo.InvariantCulture, $"there is no memory for its {own.Width:n0} × {own.Height:n0} pixels"));
            }

            var result = codec.GetPixels(info, bitmap.GetPixels());
            if (result != SKCodecResult.Success && !(TakesTruncated && result == SKCodecResult.IncompleteInput))
            {
                throw new InvalidDataException(result == SKCodecResult.IncompleteInput
                    ? "it is truncated: the file ends before the image does, or is damaged within it"
                    : $"it is damaged (the decoder says {result})");
            }

            var origin = codec.EncodedOrigin;
            var isTurned = origin != SKEncodedOrigin.TopLeft;
            if (isTurned && applyExifOrientation)
            {
                codec.Dispose(); // of a progressive JPEG it holds all coefficients, up to eight bytes a pixel
                var turned = ImageOrientation.Apply(bitmap, origin);
                bitmap.Dispose();
                bitmap = turned;
            }

            return (MLNetInternals.NewImage(bitmap), isTurned);
        }
        catch
        {
            bitmap.Dispose();
            throw;
        }
    }
}
