using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>An input of a graph.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its dimensions; null for one that the caller chooses.</param>
internal sealed record GraphInput(string Name, ImmutableArray<long?> Shape);

/// <summary>A graph of ONNX as it stands in its file: nodes in the order of computation, constants by name, and inputs.</summary>
internal sealed class ComputationGraph
{
    public List<GraphNode> Nodes { get; } = [];

    public Dictionary<string, GraphConstant> Constants { get; } = [];

    /// <summary>Gets the inputs; files of before 2019 name the constants among them.</summary>
    public List<GraphInput> Inputs { get; } = [];

    /// <summary>Gets whether something is convolved: a file of tensors alone has no network to be recognized.</summary>
    public bool HasConvolutions => Nodes.Exists(node => node.Operator == "Conv");
}
