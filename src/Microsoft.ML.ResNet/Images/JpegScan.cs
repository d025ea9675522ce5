using System.Buffers.Binary;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Finds where the pixels of a JPEG end in its file.</summary>
internal static class JpegScan
{
    /// <summary>
    /// Bytes that libjpeg may read beyond a scan's end. A scan that lacks more than these can code is found to be cut short.
    /// </summary>
    public const int ReadAhead = 64;

    private const byte StartOfScan = 0xDA;
    private const byte BaselineFrame = 0xC0;
    private const byte ExtendedFrame = 0xC1;

    /// <summary>Finds the end of a sequential JPEG's only scan.</summary>
    /// <returns>
    /// The place of the mark that ends the image; null for other files, for one whose scans are several, as a progressive one's are, and
    /// for one without the mark.
    /// </returns>
    public static int? EndOfOnly(ReadOnlySpan<byte> file)
    {
        if (file is not [0xFF, 0xD8, ..])
        {
            return null;
        }

        // Segments are skipped by their length: a thumbnail in one has marks of its own. In a scan, a byte FF is followed by a mark or by
        // 0.
        var isSequential = false;
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF; at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]))
        {
            if (file[at + 1] == StartOfScan)
            {
                var scan = file[(at + 2)..];
                var length = scan.IndexOf<byte>([0xFF, 0xD9]);
                return isSequential && length >= 0 && scan[..length].IndexOf<byte>([0xFF, StartOfScan]) < 0 ? at + 2 + length : null;
            }

            isSequential |= file[at + 1] is BaselineFrame or ExtendedFrame;
        }

        return null;
    }
}
