using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>Writes pickles opcode by opcode, sane ones and others.</summary>
internal sealed class Pickle
{
    private readonly MemoryStream _bytes = new();

    public byte[] ToArray() => _bytes.ToArray();

    public Pickle Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public Pickle Raw(string opcodes) => Raw(Encoding.Latin1.GetBytes(opcodes));

    public Pickle Repeat(string opcodes, int count)
    {
        var bytes = Encoding.Latin1.GetBytes(opcodes);
        for (var i = 0; i < count; i++)
        {
            _bytes.Write(bytes);
        }

        return this;
    }

    public Pickle Proto() => Raw(0x80, 2);

    public byte[] Stop() => Raw(".").ToArray();

    public Pickle Global(string module, string name) => Raw($"c{module}\n{name}\n");

    public Pickle Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return Raw("X").UInt32((uint)utf8.Length).Raw(utf8);
    }

    public Pickle UInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public Pickle Int(long value)
    {
        Span<byte> bytes = stackalloc byte[2 + sizeof(long)];
        (bytes[0], bytes[1]) = (0x8a, sizeof(long));
        BinaryPrimitives.WriteInt64LittleEndian(bytes[2..], value);
        return Raw(bytes);
    }

    public Pickle Tuple(params ReadOnlySpan<long> values)
    {
        Raw("(");
        foreach (var value in values)
        {
            Int(value);
        }

        return Raw("t");
    }

    public Pickle Put(byte index) => Raw((byte)'q', index);

    public Pickle Get(byte index) => Raw((byte)'h', index);

    /// <summary>torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict()).</summary>
    public Pickle Tensor(string storageType, string key, long count, long offset, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides) =>
        Global("torch._utils", "_rebuild_tensor_v2").Raw("(")
            .Storage(storageType, key, count)
            .Int(offset).Tuple(shape).Tuple(strides).Raw(0x89).Global("collections", "OrderedDict").Raw(")Rt").Raw("R");

    public Pickle Storage(string storageType, string key, long count) =>
        Raw("(").Text("storage").Global("torch", storageType).Text(key).Text("cpu").Int(count).Raw("tQ");
}
