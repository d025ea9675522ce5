using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// Writes the layers up to the pooled features in 8-bit integers, as float operators between DequantizeLinear and QuantizeLinear (QDQ):
/// activations as unsigned bytes with a scale and a zero point for each tensor, weights as signed ones with a scale for each output
/// channel, biases as 32 bits.
/// </summary>
/// <remarks>
/// Each reader has a DequantizeLinear of its own: ONNX Runtime fuses those that are read once. What it makes of the graph: QLinearConv,
/// QLinearAdd, QLinearMul, QLinearAveragePool, QLinearGlobalAveragePool, QLinearSigmoid. A normalization that no convolution takes in
/// (before ReLU, in pre-activation networks) becomes a 1×1 convolution with one channel to a group, whose quantized weights are exact.
/// </remarks>
internal sealed class QuantizedLayers(OnnxGraph graph, LayerPlan plan, ResNetWeights weights, NetworkQuantization quantization)
{
    // Sums of products are added to the bias in 32 bits; this leaves them as much as they can need.
    private const float LargestBias = 1 << 30;

    // Below, a channel's weights are zero for all that float32 can tell.
    private const float SmallestScale = 1e-20f;

    private readonly QuantizedPlan _quantized = new(plan);
    private readonly Dictionary<string, int> _reads = [];

    /// <summary>Writes all layers but the head.</summary>
    /// <param name="input">The normalized images, floats.</param>
    /// <returns>The name of the features, floats.</returns>
    public string Add(string input)
    {
        var values = new Bytes[plan.Layers.Length];
        for (var i = 0; i < values.Length - 1; i++)
        {
            Bytes[] x = [.. plan.Layers[i].Inputs.Select(index => values[index])];
            values[i] = _quantized.IsPart(i) ? x[0] : AddLayer(i, input, x);
        }

        return ToFloats(values[^2]);
    }

    private Bytes AddLayer(int index, string input, Bytes[] x)
    {
        var layer = plan.Layers[index];
        return layer switch
        {
            ImageInputLayer => ToBytes(input, index),
            ConvolutionLayer convolution => ToBytes(AddConvolution(convolution, x[0]), index),
            BatchNormLayer batchNorm => ToBytes(AddBatchNorm(batchNorm, x[0]), index),
            _ when QuantizedPlan.MovesBytes(layer) =>
                x[0] with { Name = graph.AddOperator(layer, [x[0].Name], layer.Name, zero: x[0].ZeroPoint) },
            _ => ToBytes(graph.AddOperator(layer, [.. x.Select(ToFloats)], layer.Name), index),
        };
    }

    private string AddConvolution(ConvolutionLayer layer, Bytes x)
    {
        var (filters, bias) = _quantized.Folded.TryGetValue(layer, out var batchNorm)
            ? BatchNormFolding.Fold(layer, batchNorm, weights)
            : (weights[layer.Weights[0].Name], layer.HasBias ? weights[layer.Weights[1].Name] : null);
        ImmutableArray<string> inputs = [ToFloats(x), .. AddWeights(layer.Name, filters, bias?.Values ?? default, x.Range.Scale)];
        return graph.AddConvolution(layer, inputs, layer.Name);
    }

    private string AddBatchNorm(BatchNormLayer layer, Bytes x)
    {
        var (scale, bias) = BatchNormFolding.Affine(layer, weights);
        var filters = new WeightTensor($"{layer.Name}.weight", [scale.Length, 1, 1, 1], scale);
        return graph.Add(
            "Conv",
            [ToFloats(x), .. AddWeights(layer.Name, filters, bias, x.Range.Scale)],
            layer.Name,
            LayerOperators.Square("kernel_shape", 1),
            new OnnxAttribute("group", scale.Length));
    }

    private string[] AddWeights(string layer, WeightTensor filters, ReadOnlyMemory<float> bias, float inputScale)
    {
        var channels = filters.Shape[0];
        var source = filters.Values.Span;
        var size = source.Length / channels;
        var (scales, values, biasScales, biases) = (new float[channels], new sbyte[source.Length], new float[channels], new int[channels]);
        for (var channel = 0; channel < channels; channel++)
        {
            var filter = source.Slice(channel * size, size);
            var offset = bias.IsEmpty ? 0 : bias.Span[channel];
            var scale = Math.Max(Largest(filter) / quantization.LargestWeight, SmallestScale);
            scale = Math.Max(scale, Math.Abs(offset) / LargestBias / inputScale);
            for (var i = 0; i < size; i++)
            {
                values[channel * size + i] =
                    (sbyte)Math.Clamp(MathF.Round(filter[i] / scale), -quantization.LargestWeight, quantization.LargestWeight);
            }

            (scales[channel], biasScales[channel]) = (scale, scale * inputScale);
            biases[channel] = (int)Math.Clamp(Math.Round((double)offset / biasScales[channel]), -LargestBias, LargestBias);
        }

        ImmutableArray<long> shape = [.. filters.Shape.Select(dimension => (long)dimension)];
        string[] inputs =
        [
            graph.Add(new OnnxTensor(
                $"{layer}.weight.quantized", OnnxElementType.Int8, shape, MemoryMarshal.AsBytes<sbyte>(values).ToArray())),
            graph.Add(OnnxTensor.Floats($"{layer}.weight.scale", [channels], scales)),
            graph.Add(new OnnxTensor($"{layer}.weight.zero_point", OnnxElementType.Int8, [channels], new byte[channels])),
        ];
        var weight = graph.Add("DequantizeLinear", [.. inputs], $"{layer}.weight", new OnnxAttribute("axis", 0));
        if (bias.IsEmpty)
        {
            return [weight];
        }

        string[] biasInputs =
        [
            graph.Add(new OnnxTensor(
                $"{layer}.bias.quantized", OnnxElementType.Int32, [channels], MemoryMarshal.AsBytes<int>(biases).ToArray())),
            graph.Add(OnnxTensor.Floats($"{layer}.bias.scale", [channels], biasScales)),
        ];
        return [weight, graph.Add("DequantizeLinear", [.. biasInputs], $"{layer}.bias", new OnnxAttribute("axis", 0))];
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        var largest = 0f;
        foreach (var value in values)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        return largest;
    }

    // On the scale of the last layer that is computed together with this one.
    private Bytes ToBytes(string floats, int layer)
    {
        var name = plan.Layers[layer].Name;
        var range = plan.Layers[layer] is SigmoidLayer ? ValueRange.Sigmoid : quantization.Ranges[_quantized.EndOf(layer)];
        var scale = graph.Add(OnnxTensor.Scalar($"{name}.scale", range.Scale));
        var zeroPoint = graph.Add(OnnxTensor.Scalar($"{name}.zero_point", range.ZeroPoint));
        return new Bytes(graph.Add("QuantizeLinear", [floats, scale, zeroPoint], $"{name}.quantized"), scale, zeroPoint, range);
    }

    private string ToFloats(Bytes bytes)
    {
        var read = CollectionsMarshal.GetValueRefOrAddDefault(_reads, bytes.Name, out _)++;
        return graph.Add("DequantizeLinear", [bytes.Name, bytes.Scale, bytes.ZeroPoint], $"{bytes.Name}.float{read}");
    }

    /// <summary>A tensor of bytes, with the names of the constants that tell what they stand for.</summary>
    private readonly record struct Bytes(string Name, string Scale, string ZeroPoint, ValueRange Range);
}
