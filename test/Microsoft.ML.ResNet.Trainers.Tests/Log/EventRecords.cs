using System.Buffers.Binary;
using Tensorboard;

namespace Microsoft.ML.ResNet.Trainers.Tests.Log;

/// <summary>
/// Reads TFRecord files of events, and checks their checksums, bit by bit, as written down: not as the writer computes them.
/// </summary>
internal static class EventRecords
{
    /// <summary>Reads all event files of a folder, in the order that TensorBoard does.</summary>
    public static List<Event> ReadFolder(string folder) => [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).SelectMany(Read)];

    public static IEnumerable<(long Step, float Value)> Scalars(this IEnumerable<Event> events, string tag) =>
        events.Where(each => each.Summary is not null)
            .SelectMany(each => each.Summary.Value.Where(value => value.Tag == tag).Select(value => (each.Step, value.SimpleValue)));

    private static List<Event> Read(string path)
    {
        Assert.Contains("tfevents", Path.GetFileName(path), StringComparison.Ordinal);
        var (bytes, events) = (File.ReadAllBytes(path), new List<Event>());
        for (var position = 0; position < bytes.Length;)
        {
            var length = Checked(bytes, position, sizeof(ulong));
            position += sizeof(ulong) + sizeof(uint);
            var body = Checked(bytes, position, (int)BinaryPrimitives.ReadUInt64LittleEndian(length));
            position += body.Length + sizeof(uint);
            events.Add(Event.Parser.ParseFrom(body.ToArray()));
        }

        return events;
    }

    private static ReadOnlySpan<byte> Checked(byte[] file, int start, int length)
    {
        var bytes = file.AsSpan(start, length);
        var crc = Crc32C(bytes);
        Assert.Equal(((crc >> 15) | (crc << 17)) + 0xa282ead8, BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(start + length)));
        return bytes;
    }

    // RFC 3720, appendix B.4: the polynomial 0x1EDC6F41, reflected.
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}
