using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Graphs;
using static Google.Protobuf.WireFormat;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

// The tensors: initializers, which are the weights, and constants of nodes.
internal sealed partial class OnnxWeights
{
    // Axes, sizes and places are a few numbers.
    private const int MaxIntegers = 1 << 12;

    // Constants that OnnxGraphWriter adds for the preprocessing.
    private const string PixelConstants = "pixels.";

    private Tensor ReadTensor(long end)
    {
        var tensor = new Tensor();
        ReadMessage(end, (number, type, end) => ReadTensorField(tensor, number, type, end), isKept: true);
        return tensor;
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
