using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>Image files that no encoder here writes: made by hand, byte by byte.</summary>
internal static class ImageFiles
{
    /// <summary>2×2 pixels: red and white.</summary>
    public static readonly byte[] Gif = Convert.FromHexString(
        "47494638396102000200800000FF0000FFFFFF2C0000000002000200000202845100" + "3B");

    /// <summary>Two images of 2×2 pixels.</summary>
    public static readonly byte[] AnimatedGif = Convert.FromHexString(
        "47494638396102000200800000FF0000FFFFFF" + "21FF0B4E45545343415045322E300301000000"
            + "21F904000A000000" + "2C0000000002000200000202845100" + "21F904000A000000" + "2C0000000002000200000202440A00" + "3B");

    /// <summary>2×2 pixels of 24 bits.</summary>
    public static readonly byte[] Bmp = Convert.FromHexString(
        "424D46000000000000003600000028000000020000000200000001001800000000001000000000000000000000000000000000000000"
            + "0000FF00FF000000" + "FF0000FFFFFF0000");

    /// <summary>
    /// 1×1 pixels, but they begin at byte 2,818,572,342: as a stream, SkiaSharp 2.88 throws through native code, and the process ends.
    /// </summary>
    public static readonly byte[] FatalBmp = Convert.FromHexString(
        "424D3A00000000000000360000A8280000000100000001000000010018000000000004000000000000000000000000000000000000000000FF00");

    /// <summary>67 bytes that claim 47,003 × 40,232 pixels.</summary>
    public static readonly byte[] HugeGif = HugeGifOf(47_003, 40_232);

    /// <summary>8×8 pixels of one colour, in cyan, magenta, yellow and black, as Adobe's programs write them.</summary>
    public static readonly byte[] CmykJpeg = MakeCmykJpeg();

    /// <summary>A PNG of random pixels.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="depth">Bits per channel.</param>
    /// <param name="colorType">0 gray, 2 colour, 3 palette, 4 gray with alpha, 6 colour with alpha.</param>
    public static byte[] Png(int width, int height, int depth, int colorType)
    {
        var channels = colorType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        var (random, rows) = (new Random(1), new byte[height * (1 + (width * channels * depth + 7) / 8)]);
        random.NextBytes(rows);
        for (var row = 0; row < height; row++)
        {
            rows[row * (rows.Length / height)] = 0; // no filter
        }

        var palette = new byte[3 << depth % 16];
        random.NextBytes(palette);
        return
        [
            .. PngHeader(width, height, depth, colorType),
            .. colorType == 3 ? [.. Chunk("PLTE", palette), .. Chunk("tRNS", [0, 100, 200])] : (byte[])[],
            .. Chunk("IDAT", Deflate(rows)),
            .. Chunk("IEND", []),
        ];
    }

    /// <summary>A PNG whose header claims a size, with next to nothing behind it.</summary>
    public static byte[] HugePng(int width, int height) =>
        [.. PngHeader(width, height, 8, 6), .. Chunk("IDAT", Deflate([0])), .. Chunk("IEND", [])];

    /// <summary>Puts an EXIF segment with an orientation into a JPEG.</summary>
    public static byte[] WithOrientation(byte[] jpeg, int orientation) =>
    [
        .. jpeg[..2],
        0xFF, 0xE1, 0, 34, .. "Exif\0\0MM\0*"u8, 0, 0, 0, 8, // big-endian, the first directory at 8
        0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, // one entry: orientation, a short
        0, 0, 0, 0,
        .. jpeg[2..],
    ];

    /// <summary>Cuts a JPEG and puts the mark of its end there.</summary>
    public static byte[] CutWithEnd(byte[] jpeg) => [.. jpeg[..(jpeg.Length * 2 / 3)], 0xFF, 0xD9];

    /// <summary>Makes a named pipe. A test on Windows, which has none in its file system, is skipped.</summary>
    public static void MakePipe(string path)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no pipes in its file system");
        using var process = Process.Start("mkfifo", [path]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static byte[] HugeGifOf(ushort width, ushort height)
    {
        byte[] file = [.. Gif, .. new byte[67 - Gif.Length]];
        foreach (var at in (int[])[6, 24]) // of the screen, and of its image
        {
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), width);
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at + 2), height);
        }

        return file;
    }

    private static byte[] PngHeader(int width, int height, int depth, int colorType)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = ((byte)depth, (byte)colorType);
        return [0x89, .. "PNG\r\n\x1A\n"u8, .. Chunk("IHDR", header)];
    }

    private static byte[] Chunk(string type, byte[] content)
    {
        byte[] checkedPart = [.. System.Text.Encoding.ASCII.GetBytes(type), .. content];
        var (length, checksum) = (new byte[4], new byte[4]);
        BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(checksum, Crc32(checkedPart));
        return [.. length, .. checkedPart, .. checksum];
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }

    private static byte[] Deflate(byte[] content)
    {
        using var compressed = new MemoryStream();
        using (var stream = new ZLibStream(compressed, CompressionLevel.Optimal))
        {
            stream.Write(content);
        }

        return compressed.ToArray();
    }

    // Each component has one block: "10" and seven bits for its mean, "0" for nothing else.
    private static byte[] MakeCmykJpeg()
    {
        byte[] quantization = [0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)8, 64)];
        byte[] frame = [0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0];
        byte[] means = [0xFF, 0xC4, 0, 21, 0x00, 1, 1, .. new byte[14], 0, 7];
        byte[] rest = [0xFF, 0xC4, 0, 20, 0x10, 1, .. new byte[15], 0];
        byte[] scan = [0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0];
        byte[] adobe = [0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0];
        var bits = string.Concat(new[] { 100, 70, 90, 120 }.Select(mean => $"10{mean:b7}0")).PadRight(40, '1');
        return [0xFF, 0xD8, .. adobe, .. quantization, .. frame, .. means, .. rest, .. scan,
            .. Enumerable.Range(0, 5).Select(i => Convert.ToByte(bits.Substring(8 * i, 8), 2)), 0xFF, 0xD9];
    }
}
