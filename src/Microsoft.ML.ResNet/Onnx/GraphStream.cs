using System.Text;
using Google.Protobuf;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// Reads the fields of an ONNX file one after the other, from a stream that need not be seekable. Google.Protobuf's own reader makes an
/// array of every tensor; here its bytes go from stream to stream.
/// </summary>
/// <param name="stream">The stream, which stays the caller's.</param>
/// <param name="length">The bytes that there are.</param>
internal sealed class GraphStream(Stream stream, long length)
{
    private const int LongestVarint = 10;
    private const int BufferSize = 1 << 16;

    private readonly byte[] _buffer = new byte[BufferSize];
    private long _unread = length;
    private int _at, _filled;

    /// <summary>Gets how many bytes have been read.</summary>
    public long Position { get; private set; }

    /// <summary>Reads fields up to a position.</summary>
    /// <param name="end">Where the message ends.</param>
    /// <param name="read">Reads the field of a number and a wire type, which ends at a position; false if it was none of its own.</param>
    public void ReadFields(long end, Func<int, WireFormat.WireType, long, bool> read)
    {
        while (Position < end)
        {
            var tag = checked((uint)ReadVarint());
            var (number, type) = (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag));
            var fieldEnd = type switch
            {
                WireFormat.WireType.LengthDelimited => EndOfLength(end),
                WireFormat.WireType.Fixed32 => Position + sizeof(uint),
                WireFormat.WireType.Fixed64 => Position + sizeof(ulong),
                WireFormat.WireType.Varint => Position,
                _ => throw new InvalidDataException("it has a field of a kind that ONNX does not use"),
            };
            if (!read(number, type, fieldEnd))
            {
                if (type == WireFormat.WireType.Varint)
                {
                    _ = ReadVarint();
                }

                CopyTo(Stream.Null, fieldEnd - Math.Min(Position, fieldEnd));
            }
        }

        if (Position > end)
        {
            throw new InvalidDataException("a part of it reaches beyond its end");
        }
    }

    public ulong ReadVarint()
    {
        var value = 0UL;
        for (var i = 0; i < LongestVarint; i++)
        {
            var next = ReadByte();
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("it has a number of more than 64 bits");
    }

    /// <summary>Reads a short field whole.</summary>
    public byte[] ReadBytes(long end, int longest)
    {
        var count = end - Position;
        if (count > longest)
        {
            throw new InvalidDataException($"it has a field of {count:n0} bytes, where {longest:n0} are the most");
        }

        var bytes = new byte[count];
        CopyTo(new MemoryStream(bytes), count);
        return bytes;
    }

    public string ReadText(long end, int longest) => Encoding.UTF8.GetString(ReadBytes(end, longest));

    /// <summary>Copies bytes to another stream.</summary>
    public void CopyTo(Stream destination, long count)
    {
        while (count > 0)
        {
            var bytes = Available((int)Math.Min(count, BufferSize));
            destination.Write(bytes);
            count -= bytes.Length;
        }
    }

    private long EndOfLength(long parentEnd)
    {
        var length = ReadVarint();
        return length <= (ulong)Math.Max(0, parentEnd - Position)
            ? Position + (long)length
            : throw new InvalidDataException("a part of it reaches beyond its end");
    }

    private byte ReadByte() => Available(1)[0];

    // At least one byte, at most as many as asked for.
    private ReadOnlySpan<byte> Available(int most)
    {
        if (_at == _filled)
        {
            _filled = stream.Read(_buffer, 0, (int)Math.Min(_unread, BufferSize));
            (_at, _unread) = (0, _unread - _filled);
            if (_filled == 0)
            {
                throw new EndOfStreamException();
            }
        }

        var count = Math.Min(most, _filled - _at);
        var bytes = _buffer.AsSpan(_at, count);
        (_at, Position) = (_at + count, Position + count);
        return bytes;
    }
}
