using System.Buffers.Binary;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Graphs;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// An ML.NET model with a <see cref="ResNetClassificationTransformer"/> in it: the network up to its features is the ONNX graph of an
/// OnnxTransformer, whose metadata names the classes, and its last layer is a MaximumEntropyModelParameters. A
/// <see cref="ResNetFeaturizingTransformer"/> has no last layer.
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
        if (heads.Length > 1)
        {
            throw new InvalidDataException("it holds several heads (of ML.NET's transformers)");
        }

        foreach (var head in heads)
        {
            MaximumEntropyModel.ReadInto(builder, head, LayerPlan.HeadWeight, LayerPlan.HeadBias);
        }
    }

    /// <summary>Opens the ONNX file of the network, which lies behind its length.</summary>
    public static Stream OpenNetwork(BoundedArchive archive, out int length)
    {
        var networks = archive.Names.Where(IsNetwork).Take(2).ToArray();
        if (networks.Length > 1)
        {
            throw new InvalidDataException($"it holds several networks (of ML.NET's transformers, {Quote(networks[^1])} is one)");
        }

        var stream = archive.Open(networks[0], out var entryLength);
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

    private static bool IsNetwork(string name) => name.EndsWith(OnnxModel, StringComparison.Ordinal);
}
