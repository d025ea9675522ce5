using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>A tensor whose size has been checked and whose values are still in the file.</summary>
internal sealed class PendingTensor(string name, ElementType type, ImmutableArray<int> shape, int count)
{
    private float[]? _values;

    public string Name => name;

    public ElementType Type => type;

    public int Count => count;

    public ImmutableArray<int> Shape => shape;

    /// <summary>The number of bytes that the values take in the file.</summary>
    public long StoredBytes => count * (long)type.Size;

    /// <summary>Gets the values, for which room was made.</summary>
    public ReadOnlyMemory<float> Values => _values;

    /// <summary>Makes room for the values.</summary>
    public Span<float> Allocate() => _values = new float[count];

    public WeightTensor ToWeightTensor() =>
        new(name, shape, _values ?? throw new InvalidOperationException($"Tensor '{name}' was declared, but not read."));
}
