using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>Which layers of a plan are computed in one go, and whose result then becomes bytes.</summary>
/// <remarks>
/// A normalization is part of its convolution, and a ReLU of the layer before it: bytes whose zero point is 0 cannot be negative. Layers
/// that only pick or move values work on the bytes that they are given. All others turn bytes to floats, compute, and turn the result to
/// bytes; ONNX Runtime makes one integer operator of the three.
/// </remarks>
internal sealed class QuantizedPlan
{
    private readonly int[] _ends;
    private readonly bool[] _isPart;

    public QuantizedPlan(LayerPlan plan)
    {
        Folded = BatchNormFolding.Foldable(plan);
        _ends = [.. Enumerable.Range(0, plan.Layers.Length)];
        _isPart = new bool[_ends.Length];
        for (var i = 0; i < _ends.Length - 1; i++)
        {
            if (_isPart[i] || MovesBytes(plan.Layers[i]))
            {
                continue;
            }

            if (Folded.ContainsKey(plan.Layers[i]))
            {
                Extend(i, plan.Readers[i].Single());
            }

            if (plan.Layers[i] is not (ImageInputLayer or SigmoidLayer or ReluLayer)
                && plan.Readers[_ends[i]] is [var reader] && plan.Layers[reader] is ReluLayer)
            {
                Extend(i, reader);
            }
        }

        Measured =
        [
            .. Enumerable.Range(0, _ends.Length - 1)
                .Where(i => !_isPart[i] && !MovesBytes(plan.Layers[i]) && plan.Layers[i] is not SigmoidLayer)
                .Select(i => _ends[i]),
        ];
    }

    /// <summary>Gets the normalization that each convolution takes in.</summary>
    public Dictionary<Layer, BatchNormLayer> Folded { get; }

    /// <summary>Gets the layers whose range must be known, by their index.</summary>
    public ImmutableArray<int> Measured { get; }

    /// <summary>Whether a layer's result is its input's values, some of them or with zeros between.</summary>
    public static bool MovesBytes(Layer layer) => layer is MaxPoolLayer or PaddedIdentityLayer;

    /// <summary>Whether a layer is computed together with the one that it reads.</summary>
    public bool IsPart(int layer) => _isPart[layer];

    /// <summary>Gets the last of the layers that are computed together with this one.</summary>
    public int EndOf(int layer) => _ends[layer];

    private void Extend(int start, int end)
    {
        _ends[start] = end;
        _isPart[end] = true;
    }
}
