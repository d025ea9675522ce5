using System.Collections.Immutable;
using Google.Protobuf;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Graphs;
using static Google.Protobuf.WireFormat;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>An ONNX model: its initializers by their names, and its graph, which tells what network they are of.</summary>
/// <remarks>
/// A known field with another wire type than its own is skipped, as protobuf does with fields that it does not know. Where a message ends
/// is checked by the position, since the stream's own limits are closed to us.
/// </remarks>
internal sealed partial class OnnxWeights
{
    private const int MaxMetadataBytes = 16 << 20;
    private const int MaxMessages = 1 << 16;
    private const int MaxRank = 64;
    private const int MaxConstantRank = 8;

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
}
