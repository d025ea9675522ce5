using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>The bytes of a pickle, and the numbers and texts that they spell; no more of them than a tensor dictionary needs.</summary>
internal sealed class PickleInput(Stream stream)
{
    /// <summary>The most bytes that are read, of all pickles of a file. ResNet-1202's are 1 MB long.</summary>
    public const int MaxBytes = 8 << 20;

    private const int LongestText = 1 << 16;
    private const int LongestInteger = 16;

    private byte[] _text = [];
    private int _bytesLeft = MaxBytes;

    public byte ReadByte()
    {
        Span<byte> buffer = stackalloc byte[1];
        return ReadBytes(buffer)[0];
    }

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(stackalloc byte[sizeof(uint)]));

    public void Skip(int count) => ReadBytes(stackalloc byte[count]);

    // Two's complement, little-endian, as short as it gets.
    public object ReadLong(int length)
    {
        if (length > LongestInteger)
        {
            throw new InvalidDataException($"its pickle holds a number of {length} bytes");
        }

        Span<byte> bytes = stackalloc byte[LongestInteger];
        ReadBytes(bytes[..length]);
        bytes[length..].Fill(length > 0 && (bytes[length - 1] & 0x80) != 0 ? (byte)0xff : (byte)0);
        var value = BinaryPrimitives.ReadInt128LittleEndian(bytes);
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    public string ReadText(uint length, Encoding encoding)
    {
        if (length > LongestText)
        {
            throw new InvalidDataException($"its pickle claims a text of {length:n0} bytes");
        }

        if (_text.Length < length)
        {
            Array.Resize(ref _text, (int)BitOperations.RoundUpToPowerOf2(length));
        }

        return encoding.GetString(ReadBytes(_text.AsSpan(0, (int)length)));
    }

    // The names of a module and of what is in it, each on a line.
    public string ReadLine()
    {
        Span<byte> line = stackalloc byte[256];
        for (var i = 0; i < line.Length; i++)
        {
            line[i] = ReadByte();
            if (line[i] == '\n')
            {
                return Encoding.UTF8.GetString(line[..i]);
            }
        }

        throw new InvalidDataException("its pickle names a global without an end");
    }

    public ReadOnlySpan<byte> ReadBytes(Span<byte> buffer)
    {
        _bytesLeft -= buffer.Length;
        if (_bytesLeft < 0)
        {
            throw new InvalidDataException($"its pickle is longer than {MaxBytes:n0} bytes");
        }

        stream.ReadExactly(buffer);
        return buffer;
    }
}
