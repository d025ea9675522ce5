namespace Microsoft.ML.ResNet.Onnx;

/// <summary>Turns a convolution and the normalization after it into one convolution with a bias.</summary>
internal static class BatchNormFolding
{
    /// <summary>
    /// Finds the normalization that each convolution takes in: one that is the only reader of its result. A pre-activation network's stem
    /// is also read by the first shortcut, and stays as it is.
    /// </summary>
    public static Dictionary<Layer, BatchNormLayer> Foldable(LayerPlan plan)
    {
        var foldable = new Dictionary<Layer, BatchNormLayer>();
        foreach (var (layer, readers) in plan.Layers.Zip(plan.Readers))
        {
            if (layer is ConvolutionLayer && readers is [var reader] && plan.Layers[reader] is BatchNormLayer batchNorm)
            {
                foldable.Add(layer, batchNorm);
            }
        }

        return foldable;
    }

    /// <summary>γ·(w∗x − μ)/√(σ² + ε) + β is a convolution with the filters w·γ/√(σ² + ε) and the bias β − μ·γ/√(σ² + ε).</summary>
    public static (WeightTensor Filters, WeightTensor Bias) Fold(
        ConvolutionLayer convolution, BatchNormLayer batchNorm, ResNetWeights weights)
    {
        var (scale, bias) = Affine(batchNorm, weights);
        var filters = weights[convolution.Weights[0].Name];
        var folded = filters.Values.ToArray();
        var filterSize = folded.Length / bias.Length;
        for (var channel = 0; channel < bias.Length; channel++)
        {
            foreach (ref var value in folded.AsSpan(channel * filterSize, filterSize))
            {
                value *= scale[channel];
            }
        }

        return (new WeightTensor(filters.Name, filters.Shape, folded), new WeightTensor($"{convolution.Name}.bias", [bias.Length], bias));
    }

    /// <summary>What a normalization does to each channel: γ/√(σ² + ε)·x + (β − μ·γ/√(σ² + ε)).</summary>
    public static (float[] Scale, float[] Bias) Affine(BatchNormLayer batchNorm, ResNetWeights weights)
    {
        ReadOnlySpan<float> Values(int index) => weights[batchNorm.Weights[index].Name].Values.Span;
        var (scale, bias) = (new float[Values(0).Length], new float[Values(0).Length]);
        for (var channel = 0; channel < bias.Length; channel++)
        {
            scale[channel] = Values(0)[channel] / MathF.Sqrt(Values(3)[channel] + BatchNormLayer.Epsilon);
            bias[channel] = Values(1)[channel] - Values(2)[channel] * scale[channel];
        }

        return (scale, bias);
    }
}
