using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>Room for values that are computed from a graph's constants: many nodes may name one large constant.</summary>
/// <param name="allowance">What reading the file may take in all.</param>
internal sealed class ValueBudget(MemoryAllowance allowance)
{
    private long _bytes;

    /// <summary>Makes an array of zeros.</summary>
    /// <exception cref="InvalidDataException">The file asks for far more than it holds.</exception>
    public float[] New(int count)
    {
        _bytes += sizeof(float) * (long)count;
        allowance.Take(sizeof(float) * (long)count);
        return _bytes <= allowance.ExpandedBytes
            ? new float[count]
            : throw new InvalidDataException(
                $"its nodes compute more than {allowance.ExpandedBytes:n0} bytes of constants, "
                + $"far more than a file of {allowance.FileLength:n0} bytes can hold");
    }

    /// <summary>Makes a copy.</summary>
    public float[] Copy(ReadOnlySpan<float> values)
    {
        var copy = New(values.Length);
        values.CopyTo(copy);
        return copy;
    }
}
