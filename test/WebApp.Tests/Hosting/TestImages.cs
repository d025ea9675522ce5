using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using SkiaSharp;

namespace WebApp.Tests.Hosting;

/// <summary>Image files, good and bad.</summary>
internal static class TestImages
{
    public static byte[] Png(int seed, int width = 20, int height = 24) => Encode(Draw(seed, width, height), SKEncodedImageFormat.Png);

    /// <summary>A file of an image that has been decoded.</summary>
    public static byte[] Png(MLImage image)
    {
        var bitmap = new SKBitmap(image.Width, image.Height, SKColorType.Bgra8888, SKAlphaType.Opaque);
        Marshal.Copy(image.Pixels.ToArray(), 0, bitmap.GetPixels(), image.Pixels.Length);
        return Encode(bitmap, SKEncodedImageFormat.Png);
    }

    public static byte[] Jpeg(int seed, int width = 40, int height = 30) => Encode(Draw(seed, width, height), SKEncodedImageFormat.Jpeg);

    public static byte[] WebP(int seed) => Encode(Draw(seed, 22, 17), SKEncodedImageFormat.Webp);

    public static byte[] GrayJpeg(int seed) => Encode(Draw(seed, 33, 29).Copy(SKColorType.Gray8), SKEncodedImageFormat.Jpeg);

    public static byte[] GrayPng(int seed) => Encode(Draw(seed, 18, 19).Copy(SKColorType.Gray8), SKEncodedImageFormat.Png);

    public static byte[] TransparentPng(int seed)
    {
        var bitmap = Draw(seed, 20, 20);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(new SKColor(200, 30, 90, 100));
        return Encode(bitmap, SKEncodedImageFormat.Png);
    }

    /// <summary>Of one colour: a small file, however many pixels it has.</summary>
    public static byte[] PlainPng(int width, int height)
    {
        var bitmap = new SKBitmap(width, height, SKColorType.Bgra8888, SKAlphaType.Opaque);
        bitmap.Erase(new SKColor(20, 120, 220));
        return Encode(bitmap, SKEncodedImageFormat.Png);
    }

    /// <summary>
    /// A progressive JPEG of grey alone, with the first of its scans, in which each block is one bit. A decoder keeps all coefficients of
    /// it, two bytes for each pixel and component.
    /// </summary>
    /// <param name="side">Its width and height, a multiple of 8.</param>
    /// <param name="components">3, or 4 for the colours of print.</param>
    public static byte[] ProgressiveJpeg(int side, int components)
    {
        var blocks = side / 8 * (side / 8) * components;
        byte[] Size(int value) => [(byte)(value >> 8), (byte)value];
        IEnumerable<byte> Each(params byte[] rest) => Enumerable.Range(1, components).SelectMany(id => (byte[])[(byte)id, .. rest]);
        return
        [
            0xff, 0xd8,
            0xff, 0xdb, .. Size(67), 0, .. Enumerable.Repeat((byte)1, 64),
            0xff, 0xc2, .. Size(8 + 3 * components), 8, .. Size(side), .. Size(side), (byte)components, .. Each(0x11, 0),
            0xff, 0xc4, .. Size(20), 0, 1, .. new byte[15], 0, // one code, the bit 0: no difference to the block before
            0xff, 0xda, .. Size(6 + 2 * components), (byte)components, .. Each(0), 0, 0, 0,
            .. new byte[(blocks + 7) / 8],
            0xff, 0xd9,
        ];
    }

    public static byte[] Gif => Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7");

    /// <summary>24 bits a pixel, rows bottom up.</summary>
    public static byte[] Bmp(int seed)
    {
        const int side = 16;
        var file = new byte[54 + side * side * 3];
        (file[0], file[1], file[10], file[14], file[18], file[22], file[26], file[28]) = ((byte)'B', (byte)'M', 54, 40, side, side, 1, 24);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        Pictures.Draw(seed % 3, side, side, 3, new Random(seed)).CopyTo(file, 54);
        return file;
    }

    public static byte[] Truncated(byte[] image) => image[..(image.Length * 2 / 3)];

    /// <summary>A PNG that says it is large. Of its pixels there is next to nothing.</summary>
    public static byte[] PngHeader(int width, int height)
    {
        var size = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(size, width);
        BinaryPrimitives.WriteInt32BigEndian(size.AsSpan(4), height);
        (size[8], size[9]) = (8, 2); // RGB, 8 bits each
        return [0x89, .. "PNG\r\n\u001a\n"u8, .. Chunk("IHDR"u8, size), .. Chunk("IDAT"u8, [0x78, 0x9c])];
    }

    private static byte[] Chunk(ReadOnlySpan<byte> type, byte[] data)
    {
        byte[] body = [.. type, .. data];
        var chunk = new byte[body.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        body.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(4 + body.Length), Crc32(body));
        return chunk;
    }

    // Of the PNG specification, annex D.
    private static uint Crc32(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : 0xedb88320 ^ (crc >> 1);
            }
        }

        return ~crc;
    }

    private static SKBitmap Draw(int seed, int width, int height)
    {
        var bitmap = new SKBitmap(width, height, SKColorType.Bgra8888, SKAlphaType.Premul);
        var rgb = Pictures.Draw(seed % 3, height, width, 3, new Random(seed));
        bitmap.Pixels = [.. rgb.Chunk(3).Select(pixel => new SKColor(pixel[0], pixel[1], pixel[2]))];
        return bitmap;
    }

    private static byte[] Encode(SKBitmap bitmap, SKEncodedImageFormat format)
    {
        using (bitmap)
        using (var data = bitmap.Encode(format, 90))
        {
            return data.ToArray();
        }
    }
}
