using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Onnx;

// The few messages of ONNX that a network needs, written field by field with Google.Protobuf.
// Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

/// <summary>Element types of ONNX tensors: TensorProto.DataType.</summary>
internal enum OnnxElementType
{
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    Int32 = 6,
    Int64 = 7,
}

/// <summary>A message that knows its size, so that it can be written behind a length.</summary>
internal abstract record OnnxMessage
{
    public abstract void WriteTo(CodedOutputStream output);

    // Counted by writing it to a stream that keeps nothing; messages with much in them override this.
    public virtual int CalculateSize() => Count(WriteTo);

    /// <summary>Gets the size with the tag and the length before it.</summary>
    public int SizeAsField(int field)
    {
        var size = CalculateSize();
        return checked(CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeLengthSize(size) + size);
    }

    protected static int Count(Action<CodedOutputStream> write)
    {
        using var counter = new CountingStream();
        using (var output = new CodedOutputStream(counter, leaveOpen: true))
        {
            write(output);
        }

        return checked((int)counter.Length);
    }
}

/// <summary>TensorProto: constant values.</summary>
internal sealed record OnnxTensor(string Name, OnnxElementType ElementType, ImmutableArray<long> Shape, ReadOnlyMemory<byte> Data) : OnnxMessage
{
    public static OnnxTensor Floats(string name, ImmutableArray<long> shape, ReadOnlyMemory<float> values) =>
        new(name, OnnxElementType.Float, shape, new FloatBytes(values).Memory);

    public static OnnxTensor Integers(string name, params ReadOnlySpan<long> values) =>
        new(name, OnnxElementType.Int64, [values.Length], MemoryMarshal.AsBytes(values).ToArray());

    public static OnnxTensor Scalar(string name, float value) => new(name, OnnxElementType.Float, [], BitConverter.GetBytes(value));

    public static OnnxTensor Scalar(string name, byte value) => new(name, OnnxElementType.UInt8, [], new[] { value });

    public override void WriteTo(CodedOutputStream output)
    {
        WriteHeader(output);
        output.WriteField(9, UnsafeByteOperations.UnsafeWrap(Data));
    }

    public override int CalculateSize() => checked(Count(WriteHeader) + CodedOutputStream.ComputeTagSize(9) + CodedOutputStream.ComputeLengthSize(Data.Length) + Data.Length);

    private void WriteHeader(CodedOutputStream output)
    {
        foreach (var dimension in Shape)
        {
            output.WriteField(1, dimension);
        }

        output.WriteField(2, (long)ElementType);
        output.WriteField(8, Name);
    }
}

/// <summary>AttributeProto: a named setting of a node; one of its values is set.</summary>
internal sealed record OnnxAttribute(string Name, long? Integer = null, float? Float = null, ImmutableArray<long>? Integers = null) : OnnxMessage
{
    public override void WriteTo(CodedOutputStream output)
    {
        const int floatType = 1, integerType = 2, integersType = 7;
        output.WriteField(1, Name);
        if (Float is { } single)
        {
            output.WriteTag(2, WireFormat.WireType.Fixed32);
            output.WriteFloat(single);
            output.WriteField(20, floatType);
        }
        else if (Integer is { } integer)
        {
            output.WriteField(3, integer);
            output.WriteField(20, integerType);
        }
        else if (Integers is { } integers)
        {
            foreach (var value in integers)
            {
                output.WriteField(8, value);
            }

            output.WriteField(20, integersType);
        }
    }
}

/// <summary>NodeProto: one operator applied to named values.</summary>
internal sealed record OnnxNode(string Operator, ImmutableArray<string> Inputs, string Output, ImmutableArray<OnnxAttribute> Attributes) : OnnxMessage
{
    public override void WriteTo(CodedOutputStream output)
    {
        foreach (var input in Inputs)
        {
            output.WriteField(1, input);
        }

        output.WriteField(2, Output);
        output.WriteField(3, Output);
        output.WriteField(4, Operator);
        foreach (var attribute in Attributes)
        {
            output.WriteField(5, attribute);
        }
    }
}

/// <summary>ValueInfoProto: the name, element type and shape of an input or output. A dimension of null is the batch.</summary>
internal sealed record OnnxValue(string Name, OnnxElementType ElementType, ImmutableArray<long?> Shape) : OnnxMessage
{
    public override void WriteTo(CodedOutputStream output)
    {
        output.WriteField(1, Name);
        output.WriteField(2, new TensorType(ElementType, Shape));
    }

    private sealed record TensorType(OnnxElementType ElementType, ImmutableArray<long?> Shape) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output) => output.WriteField(1, new Tensor(ElementType, Shape));
    }

    private sealed record Tensor(OnnxElementType ElementType, ImmutableArray<long?> Shape) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            output.WriteField(1, (long)ElementType);
            output.WriteField(2, new Dimensions(Shape));
        }
    }

    private sealed record Dimensions(ImmutableArray<long?> Shape) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            foreach (var dimension in Shape)
            {
                output.WriteField(1, new Dimension(dimension));
            }
        }
    }

    private sealed record Dimension(long? Size) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            if (Size is { } size)
            {
                output.WriteField(1, size);
            }
            else
            {
                output.WriteField(2, "batch");
            }
        }
    }
}

/// <summary>ModelProto, with its GraphProto: the file.</summary>
internal sealed record OnnxModel(
    string Name,
    ImmutableArray<OnnxNode> Nodes,
    ImmutableArray<OnnxTensor> Initializers,
    ImmutableArray<OnnxValue> Inputs,
    ImmutableArray<OnnxValue> Outputs,
    ImmutableArray<KeyValuePair<string, string>> Metadata) : OnnxMessage
{
    // Opset 17 and its IR version 8: the newest that every ONNX Runtime since 1.13 reads.
    public const int Opset = 17;
    private const int IrVersion = 8;

    public override void WriteTo(CodedOutputStream output)
    {
        WriteHeader(output);
        output.WriteField(7, new Graph(this));
    }

    public void WriteTo(Stream stream)
    {
        using var output = new CodedOutputStream(stream, leaveOpen: true);
        WriteTo(output);
    }

    public override int CalculateSize() => checked(Count(WriteHeader) + new Graph(this).SizeAsField(7));

    private void WriteHeader(CodedOutputStream output)
    {
        output.WriteField(1, IrVersion);
        output.WriteField(2, "ResNet.MLNet");
        output.WriteField(8, new OperatorSet(Opset));
        foreach (var (key, value) in Metadata)
        {
            output.WriteField(14, new MetadataEntry(key, value));
        }
    }

    private sealed record OperatorSet(int Version) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output) => output.WriteField(2, Version);
    }

    private sealed record MetadataEntry(string Key, string Value) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            output.WriteField(1, Key);
            output.WriteField(2, Value);
        }
    }

    private sealed record Graph(OnnxModel Model) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            WriteAll(output, 1, Model.Nodes);
            output.WriteField(2, Model.Name);
            WriteAll(output, 5, Model.Initializers);
            WriteAll(output, 11, Model.Inputs);
            WriteAll(output, 12, Model.Outputs);
        }

        public override int CalculateSize() =>
            SizeOfAll(1, Model.Nodes) + SizeOfString(2, Model.Name) + SizeOfAll(5, Model.Initializers) + SizeOfAll(11, Model.Inputs) + SizeOfAll(12, Model.Outputs);

        private static void WriteAll<T>(CodedOutputStream output, int field, ImmutableArray<T> messages)
            where T : OnnxMessage
        {
            foreach (var message in messages)
            {
                output.WriteField(field, message);
            }
        }

        private static int SizeOfAll<T>(int field, ImmutableArray<T> messages)
            where T : OnnxMessage
        {
            var total = 0;
            foreach (var message in messages)
            {
                total = checked(total + message.SizeAsField(field));
            }

            return total;
        }

        private static int SizeOfString(int field, string text) => CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeStringSize(text);
    }
}

/// <summary>A tag and its value in one call.</summary>
internal static class CodedOutputStreamExtensions
{
    public static void WriteField(this CodedOutputStream output, int field, long value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt64(value);
    }

    public static void WriteField(this CodedOutputStream output, int field, string value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(value);
    }

    public static void WriteField(this CodedOutputStream output, int field, ByteString value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(value);
    }

    public static void WriteField(this CodedOutputStream output, int field, OnnxMessage message)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteLength(message.CalculateSize());
        message.WriteTo(output);
    }
}
