using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>How a file stores the values of a tensor: how many bytes each takes, and how they become floats.</summary>
internal sealed class ElementType
{
    public static readonly ElementType Float32 = new(
        "float32", sizeof(float), (source, floats) => MemoryMarshal.Cast<byte, float>(source).CopyTo(floats));
    public static readonly ElementType Float64 = new("float64", sizeof(double), FromFloat64);
    public static readonly ElementType Float16 = new("float16", sizeof(ushort), FromFloat16);
    public static readonly ElementType BFloat16 = new("bfloat16", sizeof(ushort), FromBFloat16);

    // No weight is a whole number; their sizes are needed to step over them.
    public static readonly ElementType Int64 = new("int64", sizeof(long));
    public static readonly ElementType Int32 = new("int32", sizeof(int));
    public static readonly ElementType Int16 = new("int16", sizeof(short));
    public static readonly ElementType Int8 = new("int8", sizeof(sbyte));
    public static readonly ElementType UInt8 = new("uint8", sizeof(byte));
    public static readonly ElementType Bool = new("bool", sizeof(byte));

    private const int ChunkBytes = 1 << 16;
    private readonly Converter? _convert;

    private ElementType(string name, int size, Converter? convert = null)
    {
        Name = name;
        Size = size;
        _convert = convert;
    }

    private delegate void Converter(ReadOnlySpan<byte> source, Span<float> floats);

    public string Name { get; }

    public int Size { get; }

    public bool IsFloat => _convert is not null;

    /// <summary>Converts little-endian values; there must be as many as floats.</summary>
    public void ToFloats(ReadOnlySpan<byte> source, Span<float> floats)
    {
        if (source.Length != floats.Length * (long)Size)
        {
            throw new ArgumentException(
                $"{floats.Length} {Name} values are {floats.Length * (long)Size} bytes, not {source.Length}.", nameof(source));
        }

        (_convert ?? throw new InvalidOperationException($"{Name} values do not become floats."))(source, floats);
    }

    /// <summary>Reads little-endian values from where a stream stands.</summary>
    public void Read(Stream stream, Span<float> floats)
    {
        var chunk = new byte[Math.Min(ChunkBytes, floats.Length * (long)Size)];
        while (!floats.IsEmpty)
        {
            var count = Math.Min(floats.Length, chunk.Length / Size);
            var bytes = chunk.AsSpan(0, count * Size);
            stream.ReadExactly(bytes);
            ToFloats(bytes, floats[..count]);
            floats = floats[count..];
        }
    }

    public override string ToString() => Name;

    private static void FromFloat64(ReadOnlySpan<byte> source, Span<float> floats)
    {
        for (var i = 0; i < floats.Length; i++)
        {
            floats[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(source[(i * sizeof(double))..]);
        }
    }

    private static void FromFloat16(ReadOnlySpan<byte> source, Span<float> floats)
    {
        for (var i = 0; i < floats.Length; i++)
        {
            floats[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(source[(i * sizeof(ushort))..]);
        }
    }

    // The upper half of a float32.
    private static void FromBFloat16(ReadOnlySpan<byte> source, Span<float> floats)
    {
        for (var i = 0; i < floats.Length; i++)
        {
            var bits = (uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(i * sizeof(ushort))..]) << 16;
            floats[i] = BitConverter.UInt32BitsToSingle(bits);
        }
    }
}
