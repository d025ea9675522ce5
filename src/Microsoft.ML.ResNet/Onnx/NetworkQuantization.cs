using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// What turns a float network into one of 8-bit integers: the range of each layer that <see cref="QuantizedPlan"/> names.
/// </summary>
/// <param name="Ranges">By the layer's index in the plan.</param>
/// <param name="FullRangeWeights">Whether weights take 8 bits, rather than 7.</param>
internal sealed record NetworkQuantization(ImmutableDictionary<int, ValueRange> Ranges, bool FullRangeWeights)
{
    // 255 · 64 · 2 products fit 16 bits with a sign; 255 · 127 · 2 do not.
    private const int SevenBits = 64, EightBits = 127;

    /// <summary>Gets the largest quantized weight; the smallest is its negative.</summary>
    public int LargestWeight => FullRangeWeights ? EightBits : SevenBits;
}
