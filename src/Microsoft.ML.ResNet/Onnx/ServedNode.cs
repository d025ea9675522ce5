using Google.Protobuf;
using Microsoft.ML.ResNet.Weights;
using static Google.Protobuf.WireFormat;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>An operator of a <see cref="ServedGraph"/>, of which no more is understood than folding needs.</summary>
internal sealed class ServedNode
{
    private readonly byte[] _rest;

    private ServedNode(byte[] rest) => _rest = rest;

    public string Operator { get; private init; } = "";

    public List<string> Inputs { get; private init; } = [];

    public List<string> Outputs { get; private init; } = [];

    /// <summary>Gets the attribute <c>epsilon</c>; ONNX's default where there is none.</summary>
    public float Epsilon { get; private init; } = 1e-5f;

    /// <summary>Gets whether it is of another set of operators than ONNX's own.</summary>
    public bool IsForeign { get; private init; }

    /// <summary>Reads a NodeProto.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static ServedNode Read(byte[] message)
    {
        try
        {
            return ReadFields(message);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new InvalidDataException("one of its network's operators is damaged", exception);
        }
    }

    /// <summary>Makes the same operator with other inputs and outputs.</summary>
    public ServedNode With(List<string> inputs, List<string> outputs) => new(_rest)
    {
        Operator = Operator, Inputs = inputs, Outputs = outputs, Epsilon = Epsilon, IsForeign = IsForeign,
    };

    /// <summary>Makes a NodeProto of it.</summary>
    public ByteString ToMessage()
    {
        using var message = new MemoryStream();
        using (var output = new CodedOutputStream(message, leaveOpen: true))
        {
            Inputs.ForEach(name => output.WriteField(OnnxFields.Node.Inputs, name));
            Outputs.ForEach(name => output.WriteField(OnnxFields.Node.Outputs, name));
        }

        message.Write(_rest);
        return UnsafeByteOperations.UnsafeWrap(message.GetBuffer().AsMemory(0, (int)message.Length));
    }

    private static ServedNode ReadFields(byte[] message)
    {
        var input = new CodedInputStream(message);
        var (inputs, outputs, rest) = (new List<string>(), new List<string>(), new MemoryStream());
        var (name, epsilon, isForeign) = ("", 1e-5f, false);
        for (var start = 0; input.ReadTag() is not 0 and var tag; start = (int)input.Position)
        {
            switch (GetTagFieldNumber(tag), GetTagWireType(tag))
            {
                case (OnnxFields.Node.Inputs, WireType.LengthDelimited):
                    inputs.Add(input.ReadString());
                    continue;
                case (OnnxFields.Node.Outputs, WireType.LengthDelimited):
                    outputs.Add(input.ReadString());
                    continue;
                case (OnnxFields.Node.Operator, WireType.LengthDelimited):
                    name = input.ReadString();
                    break;
                case (OnnxFields.Node.Domain, WireType.LengthDelimited):
                    isForeign |= input.ReadString().Length > 0;
                    break;
                case (OnnxFields.Node.Attributes, WireType.LengthDelimited):
                    epsilon = ReadEpsilon(input.ReadBytes()) ?? epsilon;
                    break;
                default:
                    input.SkipLastField();
                    break;
            }

            rest.Write(message, start, (int)input.Position - start);
        }

        return new ServedNode(rest.ToArray())
        {
            Operator = name, Inputs = inputs, Outputs = outputs, Epsilon = epsilon, IsForeign = isForeign,
        };
    }

    private static float? ReadEpsilon(ByteString attribute)
    {
        var input = attribute.CreateCodedInput();
        var (name, value) = ("", (float?)null);
        while (input.ReadTag() is not 0 and var tag)
        {
            switch (GetTagFieldNumber(tag), GetTagWireType(tag))
            {
                case (OnnxFields.Attribute.Name, WireType.LengthDelimited):
                    name = input.ReadString();
                    break;
                case (OnnxFields.Attribute.Float, WireType.Fixed32):
                    value = input.ReadFloat();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return name == "epsilon" ? value : null;
    }
}
