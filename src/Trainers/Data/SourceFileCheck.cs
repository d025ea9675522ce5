using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Finds truncated image files. Decoders fill the missing part with grey and report no error, and ML.NET's LoadImages accepts the result.
/// </summary>
internal static class SourceFileCheck
{
    /// <summary>Tells whether a file ends before its image does.</summary>
    /// <param name="file">The file's content.</param>
    public static bool IsTruncated(ReadOnlySpan<byte> file) => LooksTruncated(file) && !DecodesWhole(file);

    /// <summary>Tells whether a file ends before its image does. Of most files only the ends are read.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static bool IsTruncated(string path)
    {
        const int Ends = 4096;
        using var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        var length = RandomAccess.GetLength(file);
        Span<byte> ends = stackalloc byte[2 * Ends];
        if (length <= ends.Length)
        {
            return IsTruncated(ends[..Fill(file, ends[..(int)length], 0)]);
        }

        var head = ends[..Fill(file, ends[..Ends], 0)];
        var tail = ends.Slice(Ends, Fill(file, ends[Ends..], length - Ends));
        return !IsSurelyWhole(head, tail, length) && IsTruncated(File.ReadAllBytes(path));
    }

    // What LooksTruncated would find in the whole file, where its ends tell.
    private static bool IsSurelyWhole(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, long length) => head switch
    {
        [0xFF, 0xD8, ..] => JpegScanStart(head) is not null && tail.LastIndexOf<byte>([0xFF, 0xD9]) >= 0,
        [(byte)'G', (byte)'I', (byte)'F', ..] => tail[^1] == ';',
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', ..] => BinaryPrimitives.ReadUInt32LittleEndian(head[4..]) <= length - 8,
        [(byte)'B', (byte)'M', ..] => BinaryPrimitives.ReadUInt32LittleEndian(head[2..]) <= length,
        _ => false,
    };

    private static int Fill(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        var filled = 0;
        while (filled < bytes.Length && RandomAccess.Read(file, bytes[filled..], offset + filled) is > 0 and var read)
        {
            filled += read;
        }

        return filled;
    }

    // Reads lengths and end marks only, so that intact files cost next to nothing; may suspect an intact file.
    internal static bool LooksTruncated(ReadOnlySpan<byte> file) => file switch
    {
        [0xFF, 0xD8, ..] => !JpegHasEnd(file),
        [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => !PngHasEnd(file),
        [(byte)'G', (byte)'I', (byte)'F', ..] => file[^1] != ';',
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', ..] =>
            file.Length < 8 || BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) > file.Length - 8,
        [(byte)'B', (byte)'M', ..] => file.Length < 6 || BinaryPrimitives.ReadUInt32LittleEndian(file[2..]) > file.Length,
        _ => true,
    };

    // The end mark must follow the start of the scan: before it, an embedded thumbnail has an end mark of its own.
    private static bool JpegHasEnd(ReadOnlySpan<byte> file) =>
        JpegScanStart(file) is { } start && file[start..].LastIndexOf<byte>([0xFF, 0xD9]) >= 0;

    private static int? JpegScanStart(ReadOnlySpan<byte> file)
    {
        const byte startOfScan = 0xDA;
        var at = 2;
        while (at + 4 <= file.Length && file[at] == 0xFF)
        {
            if (file[at + 1] == startOfScan)
            {
                return at;
            }

            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        }

        return null;
    }

    private static bool PngHasEnd(ReadOnlySpan<byte> file)
    {
        const int signature = 8, lengthAndType = 8, checksum = 4;
        long at = signature;
        while (at + lengthAndType + checksum <= file.Length)
        {
            var chunk = file[(int)at..];
            if (chunk.Slice(4, 4).SequenceEqual("IEND"u8))
            {
                return true;
            }

            at += lengthAndType + BinaryPrimitives.ReadUInt32BigEndian(chunk) + checksum;
        }

        return false;
    }

    private static unsafe bool DecodesWhole(ReadOnlySpan<byte> file)
    {
        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data);
        if (codec is null)
        {
            return false;
        }

        using var bitmap = new SKBitmap(codec.Info.Width, codec.Info.Height, SKColorType.Bgra8888, SKAlphaType.Premul);
        return codec.GetPixels(bitmap.Info, bitmap.GetPixels()) == SKCodecResult.Success;
    }
}
