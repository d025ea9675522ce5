using System.Numerics;
using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Distributed;

/// <summary>Sums whose order of additions is given, so that their last bits are.</summary>
internal static class OrderedSum
{
    /// <summary>Adds a part to a total.</summary>
    public static void Add<T>(ReadOnlySpan<T> part, Span<T> total)
        where T : unmanaged, INumber<T> => TensorPrimitives.Add(total, part, total);

    /// <summary>Adds parts to a total, one after the other.</summary>
    /// <param name="parts">The parts, of the total's length each.</param>
    /// <param name="total">The total.</param>
    public static void AddAll<T>(ReadOnlySpan<T> parts, Span<T> total)
        where T : unmanaged, INumber<T>
    {
        for (var start = 0; start < parts.Length; start += total.Length)
        {
            Add(parts.Slice(start, total.Length), total);
        }
    }
}
