using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Graphs;
using static Google.Protobuf.WireFormat;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>An ONNX model: its initializers by their names, and its graph, which tells what network they are of.</summary>
/// <remarks>
/// A known field with another wire type than its own is skipped, as protobuf does with fields that it does not know. Where a message ends
/// is checked by the position, since the stream's own limits are closed to us.
/// </remarks>
internal sealed class OnnxWeights
{
    private const int MaxMetadataBytes = 16 << 20;
    private const int MaxMessages = 1 << 16;
    private const int MaxRank = 64;
    private const int MaxConstantRank = 8;

    // Axes, sizes and places are a few numbers.
    private const int MaxIntegers = 1 << 12;

    // Constants that OnnxGraphWriter adds for the preprocessing.
    private const string PixelConstants = "pixels.";

    private readonly CodedInputStream _input;
    private readonly WeightsBuilder _builder;
    private readonly MemoryAllowance _allowance;
    private readonly ComputationGraph _graph = new();
    private int _messages;

    private OnnxWeights(Stream stream, WeightsBuilder builder, MemoryAllowance allowance)
    {
        _input = new CodedInputStream(stream, leaveOpen: true);
        _builder = builder;
        _allowance = allowance;
    }

    private delegate bool FieldReader(int number, WireType type, long end);

    /// <summary>Reads a network, by its graph where there is one.</summary>
    /// <remarks>A file of initializers alone gives them by their names.</remarks>
    public static ResNetWeights Read(Stream stream, MemoryAllowance allowance)
    {
        var builder = new WeightsBuilder(allowance);
        var graph = ReadInto(builder, stream, stream.Length, allowance);
        if (!graph.HasConvolutions)
        {
            return builder.Build();
        }

        var network = NetworkRecognizer.Recognize(graph, new ValueBudget(allowance), builder.ArchitectureName);
        if (network.Preprocessing is { } preprocessing)
        {
            PreprocessingBounds.Check(preprocessing);
        }

        return builder.Build(network);
    }

    /// <summary>Reads a graph that does nothing but turn pixels into a network's input.</summary>
    /// <returns>The preprocessing, and which channel of the images stands at each place of the input.</returns>
    public static (ImagePreprocessing Preprocessing, ImmutableArray<int> ChannelOrder) ReadPreprocessing(
        Stream stream, MemoryAllowance allowance)
    {
        var graph = ReadInto(new WeightsBuilder(allowance), stream, stream.Length, allowance);
        var (preprocessing, order) = NetworkRecognizer.RecognizePreprocessing(graph, new ValueBudget(allowance));
        PreprocessingBounds.Check(preprocessing);
        return (preprocessing, order);
    }

    /// <summary>Reads a model from where a stream stands, which need not be seekable.</summary>
    /// <returns>Its graph, with the initializers that the builder was given.</returns>
    public static ComputationGraph ReadInto(WeightsBuilder builder, Stream stream, long length, MemoryAllowance allowance)
    {
        var model = new OnnxWeights(stream, builder, allowance);
        model.ReadFields(model._input.Position + length, model.ReadModelField);
        return model._graph;
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

    // A message of which only one field counts.
    private void ReadInside(long parentEnd, int field, Action<long> read) => ReadMessage(parentEnd, (number, type, end) =>
    {
        if ((number, type) != (field, WireType.LengthDelimited))
        {
            return false;
        }

        read(end);
        return true;
    });

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

    private Tensor ReadTensor(long end)
    {
        var tensor = new Tensor();
        ReadMessage(end, (number, type, end) => ReadTensorField(tensor, number, type, end), isKept: true);
        return tensor;
    }

    private void ReadIntegers(WireType type, long end, Action<long> add)
    {
        if (type == WireType.Varint)
        {
            add(_input.ReadInt64());
            return;
        }

        for (var last = ReadLength(end); _input.Position < last;)
        {
            add(_input.ReadInt64());
        }
    }

    private static void Add(ImmutableArray<long>.Builder integers, long value)
    {
        if (integers.Count < MaxIntegers)
        {
            integers.Add(value);
        }
    }

    private bool ReadTensorField(Tensor tensor, int number, WireType type, long end)
    {
        switch (number, type)
        {
            case (OnnxFields.Tensor.Dimensions, WireType.Varint or WireType.LengthDelimited):
                ReadIntegers(type, end, tensor.AddDimension);
                return true;
            case (OnnxFields.Tensor.Int32Data or OnnxFields.Tensor.Int64Data, WireType.Varint or WireType.LengthDelimited):
                ReadIntegers(type, end, value => Add(tensor.Integers, value));
                return true;
            case (OnnxFields.Tensor.ElementType, WireType.Varint):
                tensor.Type = _input.ReadInt64();
                return true;
            case (OnnxFields.Tensor.FloatData, WireType.Fixed32):
                AddFloat(tensor);
                return true;
            case (OnnxFields.Tensor.FloatData, WireType.LengthDelimited): // packed
                AddFloats(tensor, _input.ReadBytes().Span);
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
        if (ToElementType(tensor.Type) is not { } type || tensor.Name.StartsWith(PixelConstants, StringComparison.Ordinal))
        {
            // Whole numbers are shapes and axes, which ONNX keeps among the initializers.
            if (ToConstant(tensor) is { } constant)
            {
                _graph.Constants.TryAdd(tensor.Name, constant);
            }

            return;
        }

        CheckIsInside(tensor);
        if (_builder.Declare(tensor.Name, type, tensor.Dimensions) is { } pending)
        {
            CheckCount(tensor, type, pending.Count);
            Fill(tensor, type, pending.Allocate());
            _graph.Constants.TryAdd(tensor.Name, GraphConstant.OfFloats(pending.Shape, pending.Values));
        }
    }

    // Null for what no residual network computes with: texts, bytes, long lists of whole numbers.
    private GraphConstant? ToConstant(Tensor tensor)
    {
        if (tensor.Dimensions.Length > MaxConstantRank || CountOf(tensor) is not { } count)
        {
            return null;
        }

        ImmutableArray<int> shape = [.. tensor.Dimensions.ToArray().Select(size => (int)size)];
        if (ToElementType(tensor.Type) is { } type)
        {
            CheckIsInside(tensor);
            _allowance.Take(sizeof(float) * (long)count);
            CheckCount(tensor, type, count);
            var values = new float[count];
            Fill(tensor, type, values);
            return GraphConstant.OfFloats(shape, values);
        }

        return IntegersOf(tensor) is { } integers && integers.Length == count ? GraphConstant.OfIntegers(shape, integers) : null;
    }

    private static int? CountOf(Tensor tensor)
    {
        var count = 1L;
        foreach (var size in tensor.Dimensions)
        {
            if (size is < 1 or > int.MaxValue || (count *= size) > int.MaxValue)
            {
                return null;
            }
        }

        return (int)count;
    }

    private static ImmutableArray<long>? IntegersOf(Tensor tensor)
    {
        var raw = tensor.Raw.Span;
        var size = tensor.Type == (long)OnnxElementType.Int64 ? sizeof(long) : sizeof(int);
        if (tensor.Type is not ((long)OnnxElementType.Int64 or (long)OnnxElementType.Int32))
        {
            return null;
        }

        if (raw.IsEmpty)
        {
            return tensor.Integers.ToImmutable();
        }

        if (raw.Length % size != 0 || raw.Length / size > MaxIntegers)
        {
            return null;
        }

        var integers = ImmutableArray.CreateBuilder<long>(raw.Length / size);
        for (; !raw.IsEmpty; raw = raw[size..])
        {
            integers.Add(size == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(raw) : BinaryPrimitives.ReadInt32LittleEndian(raw));
        }

        return integers.MoveToImmutable();
    }

    private static void CheckIsInside(Tensor tensor)
    {
        if (tensor.IsExternal)
        {
            throw new InvalidDataException($"tensor {Quote(tensor.Name)} lies in another file; save the model with its data inside");
        }
    }

    private static void Fill(Tensor tensor, ElementType type, Span<float> values)
    {
        if (HasRawData(tensor, type, values.Length))
        {
            type.ToFloats(tensor.Raw.Span, values);
        }
        else
        {
            tensor.Floats.CopyTo(values);
        }
    }

    private static bool HasRawData(Tensor tensor, ElementType type, int count) => tensor.Raw.Length == count * (long)type.Size;

    // Before room is made for the values.
    private static void CheckCount(Tensor tensor, ElementType type, int count)
    {
        if (!HasRawData(tensor, type, count) && (tensor.Floats.Count != count || type != ElementType.Float32))
        {
            throw new InvalidDataException(
                $"tensor {Quote(tensor.Name)} is {count:n0} {type} values, "
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
            throw new InvalidDataException($"it holds more than {MaxMessages:n0} initializers, nodes and metadata");
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

    // All at once: a network has millions, and one by one they take longer than the rest of the file.
    private void AddFloats(Tensor tensor, ReadOnlySpan<byte> packed)
    {
        if (packed.Length % sizeof(float) != 0)
        {
            throw new InvalidDataException(
                $"tensor {Quote(tensor.Name)} has {packed.Length:n0} bytes as float_data, but a value has {sizeof(float)}");
        }

        var floats = MemoryMarshal.Cast<byte, float>(packed);
        var (needed, capacity) = (tensor.Floats.Count + (long)floats.Length, tensor.Floats.Capacity);
        if (needed > capacity)
        {
            _allowance.Take(sizeof(float) * Math.Max(needed, 2L * capacity)); // as the list grows
        }

        tensor.Floats.AddRange(floats);
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
        private readonly List<long> _dimensions = [];

        public string Name { get; set; } = "";

        public long Type { get; set; }

        public ReadOnlySpan<long> Dimensions => CollectionsMarshal.AsSpan(_dimensions);

        public List<float> Floats { get; } = [];

        public ImmutableArray<long>.Builder Integers { get; } = ImmutableArray.CreateBuilder<long>();

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
