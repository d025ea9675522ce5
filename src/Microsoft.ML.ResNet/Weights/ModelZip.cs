using System.Buffers.Binary;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Graphs;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// An ML.NET model with a <see cref="ResNetClassificationTransformer"/> in it: the network up to its features is the ONNX graph of an
/// OnnxTransformer, whose metadata names the classes, and its last layer is a MaximumEntropyModelParameters, or, where an image has any
/// number of labels, the ONNX graph of a second OnnxTransformer. A <see cref="ResNetFeaturizingTransformer"/> has no last layer.
/// </summary>
internal static class ModelZip
{
    // Names that Microsoft.ML.Transforms.Onnx.OnnxTransformer and Microsoft.ML.Data.PredictionTransformerBase give their entries.
    private const string OnnxModel = "/OnnxModel";
    private const string HeadModel = "/Model/Model.key";

    public static bool Holds(BoundedArchive archive) => archive.Names.Any(IsNetwork);

    public static ResNetWeights Read(BoundedArchive archive, MemoryAllowance allowance)
    {
        var builder = new WeightsBuilder(allowance);
        ComputationGraph graph;
        using (var network = OpenNetwork(archive, out var length))
        {
            graph = OnnxWeights.ReadInto(builder, network, length, allowance);
        }

        ReadHead(builder, archive);
        builder.Architecture = ArchitectureOf(builder.ArchitectureName, graph, allowance);
        return builder.Build();
    }

    /// <summary>Reads the last layer, if there is one.</summary>
    public static void ReadHead(WeightsBuilder builder, BoundedArchive archive)
    {
        var heads = archive.Names.Where(name => name.EndsWith(HeadModel, StringComparison.Ordinal))
            .Select(name => archive.Read(name, Array.MaxLength))
            .Where(file => MaximumEntropyModel.IsOne(file))
            .Take(2).ToArray();
        var ownGraph = Networks(archive).ElementAtOrDefault(1);
        if (ownGraph is not null && heads.Length > 0)
        {
            throw Several(ownGraph);
        }

        if (heads.Length > 1)
        {
            throw new InvalidDataException("it holds several heads (of ML.NET's transformers)");
        }

        foreach (var head in heads)
        {
            MaximumEntropyModel.ReadInto(builder, head, LayerPlan.HeadWeight, LayerPlan.HeadBias);
        }

        if (ownGraph is not null)
        {
            ReadOwnGraph(builder, archive, ownGraph);
        }
    }

    /// <summary>Tells whether the last layer is an ONNX graph of its own: each label has a probability of its own.</summary>
    public static bool HasOwnGraph(BoundedArchive archive) => Networks(archive).Length == 2;

    /// <summary>Opens the ONNX file of the network, which lies behind its length.</summary>
    public static Stream OpenNetwork(BoundedArchive archive, out int length)
    {
        var networks = Networks(archive);
        return networks.Length <= 2 ? Open(archive, networks[0], out length) : throw Several(networks[^1]);
    }

    /// <summary>Reads the card of the network, whatever kind of weights it has.</summary>
    public static ModelCard? ReadCard(BoundedArchive archive, MemoryAllowance allowance)
    {
        using var stream = OpenNetwork(archive, out _);
        return OnnxCard.Read(stream, allowance);
    }

    // A name of the table says enough. Another's network is recognized by its graph, if it is one that has a graph of its own.
    private static ResNetArchitecture? ArchitectureOf(string? name, ComputationGraph graph, MemoryAllowance allowance)
    {
        if (ResNetArchitecture.All.FirstOrDefault(row => row.Name == name) is { } row)
        {
            return row;
        }

        try
        {
            return graph.HasConvolutions ? NetworkRecognizer.Recognize(graph, new ValueBudget(allowance), name).Architecture : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static Stream Open(BoundedArchive archive, string name, out int length)
    {
        var stream = archive.Open(name, out var entryLength);
        try
        {
            Span<byte> prefix = stackalloc byte[sizeof(int)];
            stream.ReadExactly(prefix);
            length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
            return length == entryLength - prefix.Length
                ? stream
                : throw new InvalidDataException($"its network claims {length:n0} bytes in an entry of {entryLength:n0}");
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static void ReadOwnGraph(WeightsBuilder builder, BoundedArchive archive, string name)
    {
        using var stream = Open(archive, name, out var length);
        var allowance = new MemoryAllowance(length, MemoryAllowance.Default);
        var head = new WeightsBuilder(allowance);
        var graph = OnnxWeights.ReadInto(head, stream, length, allowance);
        var tensors = head.BuildMetadata().Tensors;
        var names = tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal);
        if (graph.HasConvolutions || !names.SequenceEqual([LayerPlan.HeadBias, LayerPlan.HeadWeight]))
        {
            throw Several(name);
        }

        foreach (var tensor in tensors)
        {
            long[] shape = [.. tensor.Shape.Select(size => (long)size)];
            tensor.Values.Span.CopyTo(builder.Declare(tensor.Name, ElementType.Float32, shape)!.Allocate());
        }
    }

    // In their order among the stages: that of a head comes after that of its network.
    private static string[] Networks(BoundedArchive archive) => [.. archive.Names.Where(IsNetwork).Order(StringComparer.Ordinal)];

    private static InvalidDataException Several(string name) =>
        new($"it holds several networks (of ML.NET's transformers, {Quote(name)} is one)");

    private static bool IsNetwork(string name) => name.EndsWith(OnnxModel, StringComparison.Ordinal);
}
