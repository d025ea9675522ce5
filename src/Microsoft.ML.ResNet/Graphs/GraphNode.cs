using System.Collections.Immutable;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>A setting of a node; those that it has not are null or default.</summary>
internal readonly record struct GraphAttribute(
    float? Float, long? Integer, string? Text, ImmutableArray<long> Integers, GraphConstant? Tensor);

/// <summary>An operator of a graph, applied to named values.</summary>
internal sealed record GraphNode(
    string Operator,
    string Name,
    ImmutableArray<string> Inputs,
    ImmutableArray<string> Outputs,
    IReadOnlyDictionary<string, GraphAttribute> Attributes)
{
    /// <summary>Gets a setting that is a whole number.</summary>
    public long Integer(string name, long byDefault) =>
        Attributes.TryGetValue(name, out var attribute) && attribute.Integer is { } value ? value : byDefault;

    /// <summary>Gets a setting that is a number.</summary>
    public float Float(string name, float byDefault) =>
        Attributes.TryGetValue(name, out var attribute) && attribute.Float is { } value ? value : byDefault;

    /// <summary>Gets a setting that is a text.</summary>
    public string? Text(string name) => Attributes.TryGetValue(name, out var attribute) ? attribute.Text : null;

    /// <summary>Gets a setting that is a list of whole numbers; null where the node has none.</summary>
    public ImmutableArray<long>? Integers(string name) =>
        Attributes.TryGetValue(name, out var attribute) && !attribute.Integers.IsDefaultOrEmpty ? attribute.Integers : null;

    /// <summary>Makes the error of a node that no residual network of the library has.</summary>
    /// <param name="whatItIs">What is there: a verb with what follows it.</param>
    /// <param name="expected">What must be there.</param>
    public InvalidDataException Refuse(string whatItIs, string expected) =>
        new($"its graph is not understood as a residual network: node {this} {whatItIs}, but expected is {expected}");

    /// <summary>Returns the node's name and operator; its first result stands for a name that it has not.</summary>
    public override string ToString() =>
        $"{ErrorText.Quote(Name.Length > 0 ? Name : Outputs.FirstOrDefault() ?? "")} ({ErrorText.Quote(Operator).Trim('\'')})";
}
