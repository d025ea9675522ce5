using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Weights;
using static Google.Protobuf.WireFormat;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// The graph of a saved model, as a predictor runs it. Three things are changed. It takes any number of images: saved is a graph for one,
/// as ML.NET's OnnxTransformer wants it. Its large constants lie in memory of their own, which ONNX Runtime reads where it is: they go
/// there from the model's file as a stream, and are never an array of .NET. And normalizations are folded into convolutions.
/// </summary>
internal sealed class ServedGraph
{
    private const int LongestText = 16 << 20;
    private const int LongestMessage = 1 << 20;
    private const int MostMessages = 1 << 16;
    private const long MostCopied = 64L << 20; // of operators; ResNet-1202 has 1.5 MB

    // Smaller constants are shapes, axes and scales, which ONNX Runtime looks into while it optimizes.
    private const int SmallTensor = 4096;
    private const int Alignment = 64;

    private static ReadOnlySpan<byte> Zeros => new byte[Alignment];

    private readonly GraphStream _input;
    private readonly LargeMemory _memory;
    private readonly Stream _weights;
    private readonly List<ServedNode> _nodes = [];
    private readonly List<ServedTensor> _tensors = [];
    private readonly WeightsBuilder _metadata;
    private int _messages;
    private long _copied;
    private bool _isForAnyBatch;

    private ServedGraph(GraphStream input, LargeMemory memory, WeightsBuilder metadata) =>
        (_input, _memory, _weights, _metadata) = (input, memory, memory.OpenWrite(), metadata);

    /// <summary>Gets the ONNX file, without its large constants.</summary>
    public byte[] Model { get; private set; } = [];

    /// <summary>Gets the pixels that the graph reads.</summary>
    public OnnxValue Input { get; private set; } = null!;

    /// <summary>Gets the features that it computes.</summary>
    public OnnxValue Output { get; private set; } = null!;

    /// <summary>Gets what the file says of how the network was trained, unread; null where it says nothing.</summary>
    public UnreadCard? Card { get; private set; }

    /// <summary>Reads a graph that <see cref="OnnxGraphWriter.Featurizer"/> wrote.</summary>
    /// <param name="file">The ONNX file.</param>
    /// <param name="length">Its length.</param>
    /// <param name="weights">Where the large constants go: <see cref="RoomFor"/> bytes.</param>
    /// <param name="weightsName">The name by which the graph calls that memory.</param>
    /// <param name="metadata">Takes what the graph says about itself.</param>
    /// <exception cref="InvalidDataException">It is no such graph.</exception>
    public static ServedGraph Read(Stream file, long length, LargeMemory weights, string weightsName, WeightsBuilder metadata)
    {
        var graph = new ServedGraph(new GraphStream(file, length), weights, metadata);
        try
        {
            graph.ReadModel(length, weightsName);
        }
        catch (OverflowException exception)
        {
            throw new InvalidDataException("it has a number that is too large for its place", exception);
        }

        return graph._isForAnyBatch && graph is { Input: not null, Output: not null }
            ? graph
            : throw new InvalidDataException("its network's graph was not written by this library");
    }

    /// <summary>Gets the most memory that the large constants of a file take, each of which begins at a multiple of 64 bytes.</summary>
    public static long RoomFor(long length) => length + length / SmallTensor * Alignment;

    private void ReadModel(long length, string weightsName)
    {
        using var model = new MemoryStream();
        using (var output = new CodedOutputStream(model, leaveOpen: true))
        {
            _input.ReadFields(length, (number, type, end) =>
            {
                switch (number, type)
                {
                    case (OnnxFields.Model.IrVersion, WireType.Varint):
                        output.WriteField(number, (long)_input.ReadVarint());
                        return true;
                    case (OnnxFields.Model.OperatorSets, WireType.LengthDelimited):
                        CopyMessage(output, number, end);
                        return true;
                    case (OnnxFields.Model.Metadata, WireType.LengthDelimited):
                        ReadMetadata(end);
                        return true;
                    case (OnnxFields.Model.Graph, WireType.LengthDelimited):
                        output.WriteField(number, UnsafeByteOperations.UnsafeWrap(ReadGraph(end, weightsName)));
                        return true;
                    default:
                        return false;
                }
            });
        }

        Model = model.ToArray();
    }

    private byte[] ReadGraph(long graphEnd, string weightsName)
    {
        using var graph = new MemoryStream();
        using (var output = new CodedOutputStream(graph, leaveOpen: true))
        {
            _input.ReadFields(graphEnd, (number, type, end) =>
            {
                switch (number, type)
                {
                    case (OnnxFields.Graph.Name, WireType.LengthDelimited):
                        CopyMessage(output, number, end);
                        return true;
                    case (OnnxFields.Graph.Nodes, WireType.LengthDelimited):
                        _nodes.Add(ServedNode.Read(ReadMessage(end)));
                        return true;
                    case (OnnxFields.Graph.Initializers, WireType.LengthDelimited):
                        _tensors.Add(ReadTensor(end));
                        return true;
                    case (OnnxFields.Graph.Inputs, WireType.LengthDelimited) when Input is null:
                        Input = ReadValue(end) is { Shape: [_, .. var image] } pixels
                            ? pixels with { Shape = [null, .. image] }
                            : throw new InvalidDataException("its network reads something that is no batch of images");
                        output.WriteField(number, Input);
                        return true;
                    case (OnnxFields.Graph.Outputs, WireType.LengthDelimited) when Output is null:
                        Output = ReadValue(end) is { Shape: [.., > 0 and var features] } values
                            ? values with { Shape = [null, features] }
                            : throw new InvalidDataException("its network gives something that is no vector of features");
                        output.WriteField(number, Output);
                        return true;
                    case (OnnxFields.Graph.Inputs or OnnxFields.Graph.Outputs, _):
                        throw new InvalidDataException("its network has several inputs or outputs");
                    default:
                        return false;
                }
            });
            ServedFolding.Fold(_nodes, _tensors, Output?.Name ?? "");
            _nodes.ForEach(node => output.WriteField(OnnxFields.Graph.Nodes, node.ToMessage()));
            foreach (var each in _tensors)
            {
                using var tensor = new MemoryStream();
                using (var fields = new CodedOutputStream(tensor, leaveOpen: true))
                {
                    each.WriteTo(fields, weightsName);
                }

                output.WriteField(
                    OnnxFields.Graph.Initializers,
                    UnsafeByteOperations.UnsafeWrap(tensor.GetBuffer().AsMemory(0, (int)tensor.Length)));
            }
        }

        return graph.ToArray();
    }

    private ServedTensor ReadTensor(long tensorEnd)
    {
        CountMessage();
        var (name, small, length) = ("", Array.Empty<byte>(), -1L);
        var dimensions = new List<long>();
        long elementType = 0, offset = 0;
        _input.ReadFields(tensorEnd, (number, type, end) =>
        {
            switch (number, type)
            {
                case (OnnxFields.Tensor.Dimensions, WireType.Varint):
                    dimensions.Add((long)_input.ReadVarint());
                    return true;
                case (OnnxFields.Tensor.ElementType, WireType.Varint):
                    elementType = (long)_input.ReadVarint();
                    return true;
                case (OnnxFields.Tensor.Name, WireType.LengthDelimited):
                    name = _input.ReadText(end, LongestMessage);
                    return true;
                case (OnnxFields.Tensor.RawData, WireType.LengthDelimited) when length < 0:
                    length = end - _input.Position;
                    if (length < SmallTensor)
                    {
                        small = _input.ReadBytes(end, SmallTensor);
                        return true;
                    }

                    offset = WriteAligned(length);
                    return true;
                default:
                    throw new InvalidDataException($"tensor {Quote(name)} has its values in a form that this library does not write");
            }
        });
        if (name == OnnxGraphWriter.FeatureAxes)
        {
            (dimensions, small) = AxesForAnyBatch(dimensions, small);
        }

        return length < SmallTensor
            ? new ServedTensor(name, dimensions, elementType, small)
            : new ServedTensor(name, dimensions, elementType, []) { Memory = _memory, Offset = offset, Length = length };
    }

    // [0, 2, 3] of one image's [1, features, 1, 1]: the first is the batch, which stays.
    private (List<long> Dimensions, byte[] Axes) AxesForAnyBatch(List<long> dimensions, byte[] axes)
    {
        if (MemoryMarshal.Cast<byte, long>(axes) is [0, 2, 3] && dimensions is [3])
        {
            (dimensions, axes) = ([2], axes[sizeof(long)..]);
        }

        _isForAnyBatch = dimensions is [2] && axes.Length == 2 * sizeof(long) && BinaryPrimitives.ReadInt64LittleEndian(axes) == 2;
        return (dimensions, axes);
    }

    private long WriteAligned(long length)
    {
        var gap = (int)(-_weights.Position & (Alignment - 1));
        _weights.Write(Zeros[..gap]);
        var offset = _weights.Position;
        _input.CopyTo(_weights, length);
        return offset;
    }

    private OnnxValue ReadValue(long valueEnd)
    {
        var (name, elementType, shape) = ("", 0L, new List<long?>());
        _input.ReadFields(valueEnd, (number, type, end) => (number, type) switch
        {
            (OnnxFields.Value.Name, WireType.LengthDelimited) => Done(name = _input.ReadText(end, LongestMessage)),
            (OnnxFields.Value.Type, WireType.LengthDelimited) => Inside(end, (number, type, end) =>
                (number, type) is (OnnxFields.ValueType.Tensor, WireType.LengthDelimited) && Inside(end, ReadTensorType)),
            _ => false,
        });
        return new OnnxValue(name, (OnnxElementType)elementType, [.. shape]);

        bool ReadTensorType(int number, WireType type, long end) => (number, type) switch
        {
            (OnnxFields.TensorType.ElementType, WireType.Varint) => Done(elementType = (long)_input.ReadVarint()),
            (OnnxFields.TensorType.Shape, WireType.LengthDelimited) => Inside(end, (number, type, end) =>
                (number, type) is (OnnxFields.TensorShape.Dimensions, WireType.LengthDelimited) && ReadDimension(end)),
            _ => false,
        };

        bool ReadDimension(long dimensionEnd)
        {
            CountMessage();
            long? size = null;
            Inside(dimensionEnd, (number, type, _) => (number, type) is (OnnxFields.Dimension.Size, WireType.Varint)
                && Done(size = (long)_input.ReadVarint()));
            shape.Add(size);
            return true;
        }

        bool Inside(long end, Func<int, WireType, long, bool> read)
        {
            _input.ReadFields(end, read);
            return true;
        }

        static bool Done(object? _) => true;
    }

    private void ReadMetadata(long metadataEnd)
    {
        CountMessage();
        var (key, value) = ("", "");
        _input.ReadFields(metadataEnd, (number, type, end) =>
        {
            switch (number, type)
            {
                case (OnnxFields.MetadataEntry.Key, WireType.LengthDelimited):
                    key = _input.ReadText(end, LongestMessage);
                    return true;
                case (OnnxFields.MetadataEntry.Value, WireType.LengthDelimited):
                    value = _input.ReadText(end, LongestText);
                    return true;
                default:
                    return false;
            }
        });

        if (key == WeightsMetadata.Card)
        {
            Card = Card is null
                ? WeightsMetadata.Keep(value)
                : throw new InvalidDataException($"its metadata '{key}' is there twice");
            return;
        }

        // Integers are run as they are: only who wants float weights must refuse them.
        if (key != WeightsMetadata.Quantization)
        {
            WeightsMetadata.Read(_metadata, key, value);
        }
    }

    private void CopyMessage(CodedOutputStream output, int field, long end) =>
        output.WriteField(field, UnsafeByteOperations.UnsafeWrap(ReadMessage(end)));

    private byte[] ReadMessage(long end)
    {
        CountMessage();
        _copied += end - _input.Position;
        return _copied <= MostCopied
            ? _input.ReadBytes(end, LongestMessage)
            : throw new InvalidDataException($"its network's operators are more than {MostCopied:n0} bytes");
    }

    private void CountMessage()
    {
        if (++_messages > MostMessages)
        {
            throw new InvalidDataException($"its network has more than {MostMessages:n0} parts");
        }
    }
}
