namespace Microsoft.ML.ResNet.Onnx;

/// <summary>Writes the layers up to the pooled features in float32, weights under their state-dict names.</summary>
internal sealed class FloatLayers
{
    private readonly OnnxGraph _graph;
    private readonly LayerPlan _plan;
    private readonly ResNetWeights _weights;
    private readonly Dictionary<Layer, BatchNormLayer> _folded;

    public FloatLayers(OnnxGraph graph, LayerPlan plan, ResNetWeights weights, bool foldBatchNorm)
    {
        _graph = graph;
        _plan = plan;
        _weights = weights;
        _folded = foldBatchNorm ? BatchNormFolding.Foldable(plan) : [];
    }

    /// <summary>Writes all layers but the head.</summary>
    /// <param name="input">The normalized images.</param>
    /// <returns>The name of each layer's result, in the order of the plan; the features are the last but one.</returns>
    public string[] Add(string input)
    {
        var values = new string[_plan.Layers.Length];
        for (var i = 0; i < values.Length - 1; i++)
        {
            values[i] = AddLayer(_plan.Layers[i], input, values);
        }

        return values;
    }

    private string AddLayer(Layer layer, string input, string[] values)
    {
        string[] x = [.. layer.Inputs.Select(index => values[index])];
        return layer switch
        {
            ImageInputLayer => input,
            ConvolutionLayer convolution =>
                _graph.AddConvolution(convolution, [.. x, .. AddConvolutionWeights(convolution)], convolution.Name),
            BatchNormLayer when _folded.ContainsKey(_plan.Layers[layer.Inputs[0]]) => x[0],
            BatchNormLayer batchNorm => _graph.Add(
                "BatchNormalization",
                [.. x, .. AddWeights(batchNorm)],
                batchNorm.Name,
                new OnnxAttribute("epsilon", Float: BatchNormLayer.Epsilon)),
            _ => _graph.AddOperator(layer, [.. x], layer.Name),
        };
    }

    private IEnumerable<string> AddConvolutionWeights(ConvolutionLayer convolution)
    {
        if (!_folded.TryGetValue(convolution, out var batchNorm))
        {
            return AddWeights(convolution);
        }

        var (filters, bias) = BatchNormFolding.Fold(convolution, batchNorm, _weights);
        return [_graph.Add(filters), _graph.Add(bias)];
    }

    private IEnumerable<string> AddWeights(Layer layer) => layer.Weights.Select(spec => _graph.Add(_weights[spec.Name]));
}
