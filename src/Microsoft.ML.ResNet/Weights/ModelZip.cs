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
        var networks = archive.Names.Where(IsNetwork).Take(2).ToArray();
        var heads = archive.Names.Where(name => name.EndsWith(HeadModel, StringComparison.Ordinal))
            .Select(name => archive.Read(name, Array.MaxLength))
            .Where(file => MaximumEntropyModel.IsOne(file))
            .Take(2).ToArray();
        if (networks.Length > 1 || heads.Length > 1)
        {
            throw new InvalidDataException(
                $"it holds several {(networks.Length > 1 ? "networks" : "heads")} "
                + $"(of ML.NET's transformers, {Quote(networks[^1])} is one)");
        }

        var builder = new WeightsBuilder(allowance);
        var graph = ReadNetwork(builder, archive, networks[0], allowance);
        foreach (var head in heads)
        {
            MaximumEntropyModel.ReadInto(builder, head, LayerPlan.HeadWeight, LayerPlan.HeadBias);
        }

        builder.Architecture = ArchitectureOf(builder.ArchitectureName, graph, allowance);
        return builder.Build();
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

    // The ONNX file, behind its length.
    private static ComputationGraph ReadNetwork(WeightsBuilder builder, BoundedArchive archive, string name, MemoryAllowance allowance)
    {
        using var stream = archive.Open(name, out var entryLength);
        Span<byte> prefix = stackalloc byte[sizeof(int)];
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
        if (length != entryLength - prefix.Length)
        {
            throw new InvalidDataException($"its network claims {length:n0} bytes in an entry of {entryLength:n0}");
        }

        return OnnxWeights.ReadInto(builder, stream, length, allowance);
    }
}
