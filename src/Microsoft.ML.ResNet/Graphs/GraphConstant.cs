using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>A constant tensor of a graph: floats, or whole numbers, which say axes, sizes and places.</summary>
/// <param name="Shape">The dimensions.</param>
/// <param name="Floats">The values of a tensor of floats; empty for whole numbers.</param>
/// <param name="Integers">The values of a tensor of whole numbers; empty for floats.</param>
internal sealed record GraphConstant(ImmutableArray<int> Shape, ReadOnlyMemory<float> Floats, ImmutableArray<long> Integers)
{
    public static GraphConstant OfFloats(ImmutableArray<int> shape, ReadOnlyMemory<float> values) => new(shape, values, []);

    public static GraphConstant OfIntegers(ImmutableArray<int> shape, ImmutableArray<long> values) =>
        new(shape, ReadOnlyMemory<float>.Empty, values);
}
