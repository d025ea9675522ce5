using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Onnx;

// The few messages of ONNX that a network needs, written field by field with Google.Protobuf.

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
internal sealed record OnnxTensor(string Name, OnnxElementType ElementType, ImmutableArray<long> Shape, ReadOnlyMemory<byte> Data)
    : OnnxMessage
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
        output.WriteField(OnnxFields.Tensor.RawData, UnsafeByteOperations.UnsafeWrap(Data));
    }

    public override int CalculateSize() => checked(
        Count(WriteHeader) + CodedOutputStream.ComputeTagSize(OnnxFields.Tensor.RawData)
        + CodedOutputStream.ComputeLengthSize(Data.Length) + Data.Length);

    private void WriteHeader(CodedOutputStream output)
    {
        foreach (var dimension in Shape)
        {
            output.WriteField(OnnxFields.Tensor.Dimensions, dimension);
        }

        output.WriteField(OnnxFields.Tensor.ElementType, (long)ElementType);
        output.WriteField(OnnxFields.Tensor.Name, Name);
    }
}

/// <summary>AttributeProto: a named setting of a node; one of its values is set.</summary>
internal sealed record OnnxAttribute(
    string Name,
    long? Integer = null,
    float? Float = null,
    ImmutableArray<long>? Integers = null,
    ImmutableArray<string>? Texts = null) : OnnxMessage
{
    public override void WriteTo(CodedOutputStream output)
    {
        const int floatType = 1, integerType = 2, integersType = 7, textsType = 8;
        output.WriteField(OnnxFields.Attribute.Name, Name);
        if (Float is { } single)
        {
            output.WriteTag(OnnxFields.Attribute.Float, WireFormat.WireType.Fixed32);
            output.WriteFloat(single);
            output.WriteField(OnnxFields.Attribute.Type, floatType);
        }
        else if (Integer is { } integer)
        {
            output.WriteField(OnnxFields.Attribute.Integer, integer);
            output.WriteField(OnnxFields.Attribute.Type, integerType);
        }
        else if (Integers is { } integers)
        {
            foreach (var value in integers)
            {
                output.WriteField(OnnxFields.Attribute.Integers, value);
            }

            output.WriteField(OnnxFields.Attribute.Type, integersType);
        }
        else if (Texts is { } texts)
        {
            foreach (var text in texts)
            {
                output.WriteField(OnnxFields.Attribute.Texts, text);
            }

            output.WriteField(OnnxFields.Attribute.Type, textsType);
        }
    }
}

/// <summary>NodeProto: one operator applied to named values.</summary>
internal sealed record OnnxNode(string Operator, ImmutableArray<string> Inputs, string Output, ImmutableArray<OnnxAttribute> Attributes)
    : OnnxMessage
{
    /// <summary>Gets the node's name.</summary>
    /// <value>The default is that of its output.</value>
    public string Name { get; init; } = Output;

    /// <summary>Gets the set of operators that the node's is of.</summary>
    /// <value>The default is empty: ONNX's own.</value>
    public string Domain { get; init; } = "";

    public override void WriteTo(CodedOutputStream output)
    {
        foreach (var input in Inputs)
        {
            output.WriteField(OnnxFields.Node.Inputs, input);
        }

        output.WriteField(OnnxFields.Node.Outputs, Output);
        output.WriteField(OnnxFields.Node.Name, Name);
        output.WriteField(OnnxFields.Node.Operator, Operator);
        foreach (var attribute in Attributes)
        {
            output.WriteField(OnnxFields.Node.Attributes, attribute);
        }

        if (Domain.Length > 0)
        {
            output.WriteField(OnnxFields.Node.Domain, Domain);
        }
    }
}

/// <summary>ValueInfoProto: the name, element type and shape of an input or output. A dimension of null is the batch.</summary>
internal sealed record OnnxValue(string Name, OnnxElementType ElementType, ImmutableArray<long?> Shape) : OnnxMessage
{
    public override void WriteTo(CodedOutputStream output)
    {
        output.WriteField(OnnxFields.Value.Name, Name);
        output.WriteField(OnnxFields.Value.Type, new TensorType(ElementType, Shape));
    }

    private sealed record TensorType(OnnxElementType ElementType, ImmutableArray<long?> Shape) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output) =>
            output.WriteField(OnnxFields.ValueType.Tensor, new Tensor(ElementType, Shape));
    }

    private sealed record Tensor(OnnxElementType ElementType, ImmutableArray<long?> Shape) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            output.WriteField(OnnxFields.TensorType.ElementType, (long)ElementType);
            output.WriteField(OnnxFields.TensorType.Shape, new Dimensions(Shape));
        }
    }

    private sealed record Dimensions(ImmutableArray<long?> Shape) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            foreach (var dimension in Shape)
            {
                output.WriteField(OnnxFields.TensorShape.Dimensions, new Dimension(dimension));
            }
        }
    }

    private sealed record Dimension(long? Size) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            if (Size is { } size)
            {
                output.WriteField(OnnxFields.Dimension.Size, size);
            }
            else
            {
                output.WriteField(OnnxFields.Dimension.Name, "batch");
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

    /// <summary>The operators of what is no neural network: https://onnx.ai/onnx/operators/#ai-onnx-ml</summary>
    public const string ClassicDomain = "ai.onnx.ml";

    private const int ClassicOpset = 2;
    private const int IrVersion = 8;

    public override void WriteTo(CodedOutputStream output)
    {
        WriteHeader(output);
        output.WriteField(OnnxFields.Model.Graph, new Graph(this));
    }

    public void WriteTo(Stream stream)
    {
        using var output = new CodedOutputStream(stream, leaveOpen: true);
        WriteTo(output);
    }

    public override int CalculateSize() => checked(Count(WriteHeader) + new Graph(this).SizeAsField(OnnxFields.Model.Graph));

    private void WriteHeader(CodedOutputStream output)
    {
        output.WriteField(OnnxFields.Model.IrVersion, IrVersion);
        output.WriteField(OnnxFields.Model.ProducerName, "ResNet.MLNet");
        output.WriteField(OnnxFields.Model.OperatorSets, new OperatorSet("", Opset));
        if (Nodes.Any(node => node.Domain == ClassicDomain))
        {
            output.WriteField(OnnxFields.Model.OperatorSets, new OperatorSet(ClassicDomain, ClassicOpset));
        }

        foreach (var (key, value) in Metadata)
        {
            output.WriteField(OnnxFields.Model.Metadata, new MetadataEntry(key, value));
        }
    }

    private sealed record OperatorSet(string Domain, int Version) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            if (Domain.Length > 0)
            {
                output.WriteField(OnnxFields.OperatorSet.Domain, Domain);
            }

            output.WriteField(OnnxFields.OperatorSet.Version, Version);
        }
    }

    private sealed record MetadataEntry(string Key, string Value) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            output.WriteField(OnnxFields.MetadataEntry.Key, Key);
            output.WriteField(OnnxFields.MetadataEntry.Value, Value);
        }
    }

    private sealed record Graph(OnnxModel Model) : OnnxMessage
    {
        public override void WriteTo(CodedOutputStream output)
        {
            WriteAll(output, OnnxFields.Graph.Nodes, Model.Nodes);
            output.WriteField(OnnxFields.Graph.Name, Model.Name);
            WriteAll(output, OnnxFields.Graph.Initializers, Model.Initializers);
            WriteAll(output, OnnxFields.Graph.Inputs, Model.Inputs);
            WriteAll(output, OnnxFields.Graph.Outputs, Model.Outputs);
        }

        public override int CalculateSize() =>
            SizeOfAll(OnnxFields.Graph.Nodes, Model.Nodes)
            + SizeOfString(OnnxFields.Graph.Name, Model.Name)
            + SizeOfAll(OnnxFields.Graph.Initializers, Model.Initializers)
            + SizeOfAll(OnnxFields.Graph.Inputs, Model.Inputs)
            + SizeOfAll(OnnxFields.Graph.Outputs, Model.Outputs);

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

        private static int SizeOfString(int field, string text) =>
            CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeStringSize(text);
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
