using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Files;
using static Google.Protobuf.WireFormat;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>The initializers of an ONNX model, by their names.</summary>
/// <remarks>
/// A known field with another wire type than its own is skipped, as protobuf does with fields that it does not know. Where a message ends
/// is checked by the position, since the stream's own limits are closed to us.
/// </remarks>
internal sealed class OnnxWeights
{
    private const int MaxMetadataBytes = 16 << 20;
    private const int MaxMessages = 1 << 16;

    // Constants that OnnxGraphWriter adds for the preprocessing.
    private const string PixelConstants = "pixels.";

    private readonly CodedInputStream _input;
    private readonly WeightsBuilder _builder;
    private readonly MemoryAllowance _allowance;
    private int _messages;

    private OnnxWeights(Stream stream, WeightsBuilder builder, MemoryAllowance allowance)
    {
        _input = new CodedInputStream(stream, leaveOpen: true);
        _builder = builder;
        _allowance = allowance;
    }

    private delegate bool FieldReader(int number, WireType type, long end);

    public static ResNetWeights Read(Stream stream, MemoryAllowance allowance)
    {
        var builder = new WeightsBuilder(allowance);
        ReadInto(builder, stream, stream.Length, allowance);
        return builder.Build();
    }

    /// <summary>Reads a model from where a stream stands, which need not be seekable.</summary>
    public static void ReadInto(WeightsBuilder builder, Stream stream, long length, MemoryAllowance allowance)
    {
        var model = new OnnxWeights(stream, builder, allowance);
        model.ReadFields(model._input.Position + length, model.ReadModelField);
    }

    private bool ReadModelField(int number, WireType type, long end)
    {
        switch (number, type)
        {
            case (OnnxFields.Model.Graph, WireType.LengthDelimited):
                ReadMessage(end, ReadGraphField);
                return true;
            case (OnnxFields.Model.Metadata, WireType.LengthDelimited):
                ReadMetadata(end);
                return true;
            default:
                return false;
        }
    }

    private bool ReadGraphField(int number, WireType type, long end)
    {
        if ((number, type) != (OnnxFields.Graph.Initializers, WireType.LengthDelimited))
        {
            return false;
        }

        var tensor = new Tensor();
        ReadMessage(end, (number, type, end) => ReadTensorField(tensor, number, type, end), isKept: true);
        Add(tensor);
        return true;
    }

    private bool ReadTensorField(Tensor tensor, int number, WireType type, long end)
    {
        switch (number, type)
        {
            case (OnnxFields.Tensor.Dimensions, WireType.Varint):
                tensor.AddDimension(_input.ReadInt64());
                return true;
            case (OnnxFields.Tensor.Dimensions, WireType.LengthDelimited): // packed
                for (var last = ReadLength(end); _input.Position < last;)
                {
                    tensor.AddDimension(_input.ReadInt64());
                }

                return true;
            case (OnnxFields.Tensor.ElementType, WireType.Varint):
                tensor.Type = _input.ReadInt64();
                return true;
            case (OnnxFields.Tensor.FloatData, WireType.Fixed32):
                AddFloat(tensor);
                return true;
            case (OnnxFields.Tensor.FloatData, WireType.LengthDelimited): // packed
                for (var last = ReadLength(end); _input.Position < last;)
                {
                    AddFloat(tensor);
                }

                return true;
            case (OnnxFields.Tensor.Name, WireType.LengthDelimited):
                tensor.Name = _input.ReadString();
                return true;
            case (OnnxFields.Tensor.RawData, WireType.LengthDelimited):
                tensor.Raw = _input.ReadBytes();
                return true;
            case (OnnxFields.Tensor.DataLocation, WireType.Varint):
                tensor.IsExternal |= _input.ReadInt64() != 0;
                return true;
            case (OnnxFields.Tensor.ExternalData, WireType.LengthDelimited):
                tensor.IsExternal = true;
                return false;
            default:
                return false;
        }
    }

    private void ReadMetadata(long end)
    {
        var (key, value) = ("", "");
        ReadMessage(end, (number, type, end) =>
        {
            switch (number, type)
            {
                case (OnnxFields.MetadataEntry.Key, WireType.LengthDelimited):
                    key = _input.ReadString();
                    return true;
                case (OnnxFields.MetadataEntry.Value, WireType.LengthDelimited):
                    value = _input.ReadString();
                    return true;
                default:
                    return false;
            }
        }, isKept: true, MaxMetadataBytes);
        WeightsMetadata.Read(_builder, key, value);
    }

    private void Add(Tensor tensor)
    {
        // Whole numbers are shapes and axes, which ONNX keeps among the initializers.
        if (ToElementType(tensor.Type) is not { } type || tensor.Name.StartsWith(PixelConstants, StringComparison.Ordinal))
        {
            return;
        }

        if (tensor.IsExternal)
        {
            throw new InvalidDataException($"tensor {Quote(tensor.Name)} lies in another file; save the model with its data inside");
        }

        if (_builder.Declare(tensor.Name, type, tensor.Dimensions) is not { } pending)
        {
            return;
        }

        if (tensor.Raw.Length == pending.StoredBytes)
        {
            type.ToFloats(tensor.Raw.Span, pending.Allocate());
        }
        else if (tensor.Floats.Count == pending.Count && type == ElementType.Float32)
        {
            tensor.Floats.CopyTo(pending.Allocate());
        }
        else
        {
            throw new InvalidDataException(
                $"tensor {Quote(tensor.Name)} is {pending.Count:n0} {type} values, "
                + $"but has {tensor.Raw.Length:n0} bytes as raw_data and {tensor.Floats.Count:n0} values as float_data");
        }
    }

    private static ElementType? ToElementType(long type) => type switch
    {
        (long)OnnxElementType.Float => ElementType.Float32,
        (long)OnnxElementType.Float16 => ElementType.Float16,
        (long)OnnxElementType.Float64 => ElementType.Float64,
        (long)OnnxElementType.BFloat16 => ElementType.BFloat16,
        _ => null,
    };

    // What is kept of a message is as long as the message at most.
    private void ReadMessage(long parentEnd, FieldReader readField, bool isKept = false, int maxLength = int.MaxValue)
    {
        var end = ReadLength(parentEnd);
        if (isKept)
        {
            _allowance.Take(end - _input.Position);
        }

        if (end - _input.Position > maxLength)
        {
            throw new InvalidDataException($"it holds metadata of {end - _input.Position:n0} bytes");
        }

        if (++_messages > MaxMessages)
        {
            throw new InvalidDataException($"it holds more than {MaxMessages:n0} initializers and metadata");
        }

        ReadFields(end, readField);
    }

    private void AddFloat(Tensor tensor)
    {
        if (tensor.Floats.Count == tensor.Floats.Capacity)
        {
            _allowance.Take(2L * sizeof(float) * tensor.Floats.Capacity); // the list doubles
        }

        tensor.Floats.Add(_input.ReadFloat());
    }

    private void ReadFields(long end, FieldReader readField)
    {
        while (_input.Position < end)
        {
            var tag = _input.ReadTag();
            if (tag == 0)
            {
                throw new EndOfStreamException();
            }

            if (!readField(GetTagFieldNumber(tag), GetTagWireType(tag), end))
            {
                _input.SkipLastField();
            }
        }

        if (_input.Position > end)
        {
            throw new InvalidDataException("a part of it reaches beyond its end");
        }
    }

    // Reads the length of what is inside a message that ends at parentEnd; gives where it ends.
    private long ReadLength(long parentEnd)
    {
        var length = _input.ReadLength();
        var end = _input.Position + length;
        return length >= 0 && end <= parentEnd ? end : throw new InvalidDataException("a part of it reaches beyond its end");
    }

    private sealed class Tensor
    {
        private const int MaxRank = 64;
        private readonly List<long> _dimensions = [];

        public string Name { get; set; } = "";

        public long Type { get; set; }

        public ReadOnlySpan<long> Dimensions => CollectionsMarshal.AsSpan(_dimensions);

        public List<float> Floats { get; } = [];

        public ByteString Raw { get; set; } = ByteString.Empty;

        public bool IsExternal { get; set; }

        public void AddDimension(long dimension)
        {
            if (_dimensions.Count == MaxRank)
            {
                throw new InvalidDataException($"a tensor has more than {MaxRank} dimensions");
            }

            _dimensions.Add(dimension);
        }
    }
}
