using System.Collections.Immutable;
using Microsoft.ML.ResNet.Graphs;
using static Google.Protobuf.WireFormat;

namespace Microsoft.ML.ResNet.Weights;

// The graph: its nodes with their attributes, and its inputs.
internal sealed partial class OnnxWeights
{
    private bool ReadGraphField(int number, WireType type, long end)
    {
        switch (number, type)
        {
            case (OnnxFields.Graph.Nodes, WireType.LengthDelimited):
                ReadNode(end);
                return true;
            case (OnnxFields.Graph.Initializers, WireType.LengthDelimited):
                Add(ReadTensor(end));
                return true;
            case (OnnxFields.Graph.Inputs, WireType.LengthDelimited):
                ReadInput(end);
                return true;
            default:
                return false;
        }
    }

    private void ReadNode(long end)
    {
        var (name, operation) = ("", "");
        var inputs = ImmutableArray.CreateBuilder<string>();
        var outputs = ImmutableArray.CreateBuilder<string>();
        var attributes = new Dictionary<string, GraphAttribute>();
        ReadMessage(end, (number, type, end) =>
        {
            switch (number, type)
            {
                case (OnnxFields.Node.Inputs, WireType.LengthDelimited):
                    inputs.Add(ReadName());
                    return true;
                case (OnnxFields.Node.Outputs, WireType.LengthDelimited):
                    outputs.Add(ReadName());
                    return true;
                case (OnnxFields.Node.Name, WireType.LengthDelimited):
                    name = _input.ReadString();
                    return true;
                case (OnnxFields.Node.Operator, WireType.LengthDelimited):
                    operation = _input.ReadString();
                    return true;
                case (OnnxFields.Node.Attributes, WireType.LengthDelimited):
                    var (key, attribute) = ReadAttribute(end);
                    attributes[key] = attribute;
                    return true;
                default:
                    return false;
            }
        }, isKept: true);
        _graph.Nodes.Add(new GraphNode(operation, name, inputs.ToImmutable(), outputs.ToImmutable(), attributes));
    }

    // A name takes more room than the byte or two that it may have in the file.
    private string ReadName()
    {
        const int objectBytes = 32;
        _allowance.Take(objectBytes);
        return _input.ReadString();
    }

    private (string Name, GraphAttribute Attribute) ReadAttribute(long end)
    {
        var (name, attribute) = ("", default(GraphAttribute));
        var integers = ImmutableArray.CreateBuilder<long>();
        ReadMessage(end, (number, type, end) =>
        {
            switch (number, type)
            {
                case (OnnxFields.Attribute.Name, WireType.LengthDelimited):
                    name = _input.ReadString();
                    return true;
                case (OnnxFields.Attribute.Float, WireType.Fixed32):
                    attribute = attribute with { Float = _input.ReadFloat() };
                    return true;
                case (OnnxFields.Attribute.Integer, WireType.Varint):
                    attribute = attribute with { Integer = _input.ReadInt64() };
                    return true;
                case (OnnxFields.Attribute.Text, WireType.LengthDelimited):
                    attribute = attribute with { Text = _input.ReadString() };
                    return true;
                case (OnnxFields.Attribute.Tensor, WireType.LengthDelimited):
                    attribute = attribute with { Tensor = ToConstant(ReadTensor(end)) };
                    return true;
                case (OnnxFields.Attribute.Integers, WireType.Varint or WireType.LengthDelimited):
                    ReadIntegers(type, end, value => Add(integers, value));
                    return true;
                default:
                    return false;
            }
        }, isKept: true);
        return (name, attribute with { Integers = integers.ToImmutable() });
    }

    private void ReadInput(long end)
    {
        var name = "";
        var shape = ImmutableArray.CreateBuilder<long?>();
        ReadMessage(end, (number, type, end) =>
        {
            switch (number, type)
            {
                case (OnnxFields.Value.Name, WireType.LengthDelimited):
                    name = _input.ReadString();
                    return true;
                case (OnnxFields.Value.Type, WireType.LengthDelimited):
                    ReadInside(end, OnnxFields.ValueType.Tensor, end => ReadInside(end, OnnxFields.TensorType.Shape, end =>
                        ReadInside(end, OnnxFields.TensorShape.Dimensions, end => shape.Add(ReadDimension(end)))));
                    return true;
                default:
                    return false;
            }
        }, isKept: true);
        if (shape.Count <= MaxRank)
        {
            _graph.Inputs.Add(new GraphInput(name, shape.ToImmutable()));
        }
    }

    private long? ReadDimension(long parentEnd)
    {
        long? size = null;
        ReadMessage(parentEnd, (number, type, _) =>
        {
            if ((number, type) != (OnnxFields.Dimension.Size, WireType.Varint))
            {
                return false;
            }

            size = _input.ReadInt64();
            return true;
        });
        return size is > 0 ? size : null; // some write 0 or −1 for any
    }
}
