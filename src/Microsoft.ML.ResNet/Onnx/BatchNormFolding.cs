namespace Microsoft.ML.ResNet.Onnx;

/// <summary>Turns a convolution and the normalization after it into one convolution with a bias.</summary>
internal static class BatchNormFolding
{
    /// <summary>γ·(w∗x − μ)/√(σ² + ε) + β is a convolution with the filters w·γ/√(σ² + ε) and the bias β − μ·γ/√(σ² + ε).</summary>
    public static (WeightTensor Filters, WeightTensor Bias) Fold(ConvolutionLayer convolution, BatchNormLayer batchNorm, ResNetWeights weights)
    {
        ReadOnlySpan<float> Values(int index) => weights[batchNorm.Weights[index].Name].Values.Span;
        var filters = weights[convolution.Weights[0].Name];
        var (folded, bias) = (filters.Values.ToArray(), new float[filters.Shape[0]]);
        var filterSize = folded.Length / bias.Length;
        for (var channel = 0; channel < bias.Length; channel++)
        {
            var scale = Values(0)[channel] / MathF.Sqrt(Values(3)[channel] + BatchNormLayer.Epsilon);
            bias[channel] = Values(1)[channel] - Values(2)[channel] * scale;
            foreach (ref var value in folded.AsSpan(channel * filterSize, filterSize))
            {
                value *= scale;
            }
        }

        return (new WeightTensor(filters.Name, filters.Shape, folded), new WeightTensor($"{convolution.Name}.bias", [bias.Length], bias));
    }
}
