using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Graphs;

/// <summary>Writes networks as other programs do: torch.onnx.export with constants folded, and tf2onnx after Keras.</summary>
internal sealed class ForeignGraph
{
    private readonly OnnxGraph _graph = new();
    private readonly ResNetWeights _weights;
    private readonly LayerPlan _plan;
    private int _next = 497; // as torch counts

    private ForeignGraph(LayerPlan plan, ResNetWeights weights) => (_plan, _weights) = (plan, weights);

    /// <summary>
    /// Basic blocks as torch.onnx.export writes them: names that say nothing, normalization folded, the input of any size, and Identity
    /// for what is shared.
    /// </summary>
    public static OnnxModel Torch(LayerPlan plan, ResNetWeights weights)
    {
        var writer = new ForeignGraph(plan, weights);
        var graph = writer._graph;
        var folded = BatchNormFolding.Foldable(plan);
        var values = new string[plan.Layers.Length];
        foreach (var (i, layer) in plan.Layers.Index())
        {
            string[] x = [.. layer.Inputs.Select(index => values[index])];
            var output = $"/{layer.Name.Replace('.', '/')}/{layer.GetType().Name}_output_0";
            values[i] = layer switch
            {
                ImageInputLayer => "input.1",
                ConvolutionLayer convolution => writer.TorchConvolution(convolution, folded, x[0], output),
                BatchNormLayer when folded.ContainsKey(plan.Layers[layer.Inputs[0]]) => x[0],
                BatchNormLayer => throw new NotSupportedException(layer.Name),
                LinearLayer linear => writer.TorchHead(linear, x[0]),
                _ => graph.AddOperator(layer, [.. x], output),
            };
        }

        return graph.ToModel(
            "main_graph",
            new OnnxValue("input.1", OnnxElementType.Float, [null, plan.Input.Channels, plan.Input.Height, plan.Input.Width]),
            [new OnnxValue(values[^1], OnnxElementType.Float, [null, plan.ClassCount])],
            []);
    }

    /// <summary>
    /// Bottlenecks as tf2onnx writes Keras's: images [batch, height, width, 3] of 0 to 255, whose channels are turned around and whose mean
    /// is subtracted; Transpose; padding as a node of its own; convolutions with a bias and normalization after them, whose ε is another;
    /// a mean instead of pooling; a matrix that is not transposed, and a sum.
    /// </summary>
    /// <param name="plan">A network with the stem of ImageNet.</param>
    /// <param name="weights">Its weights: what the file computes, convolutions' biases apart.</param>
    /// <param name="trimsPadding">Whether the padding leaves out what no window reaches, at the end of images of even size.</param>
    public static OnnxModel Keras(LayerPlan plan, ResNetWeights weights, bool trimsPadding)
    {
        var writer = new ForeignGraph(plan, weights);
        var graph = writer._graph;
        var values = new string[plan.Layers.Length];
        foreach (var (i, layer) in plan.Layers.Index())
        {
            string[] x = [.. layer.Inputs.Select(index => values[index])];
            var output = $"model/{layer.Name}:0";
            values[i] = layer switch
            {
                ImageInputLayer => writer.KerasPixels(),
                ConvolutionLayer convolution => writer.KerasConvolution(convolution, x[0], output, trimsPadding),
                BatchNormLayer batchNorm => graph.Add(
                    "BatchNormalization",
                    [x[0], .. batchNorm.Weights.Select(spec => graph.Add(weights[spec.Name]))],
                    output,
                    new OnnxAttribute("epsilon", Float: 1.001e-5f)),
                MaxPoolLayer pool => graph.Add(
                    "MaxPool",
                    [writer.Pad(x[0], 1, trimsPadding ? 0 : 1, output)],
                    output,
                    LayerOperators.Square("kernel_shape", pool.Kernel),
                    LayerOperators.Square("strides", MaxPoolLayer.Stride)),
                GlobalAveragePoolLayer => graph.Add(
                    "ReduceMean", [x[0]], output, new OnnxAttribute("axes", Integers: [2, 3]), new OnnxAttribute("keepdims", 0)),
                LinearLayer linear => writer.KerasHead(linear, x[0]),
                _ => graph.AddOperator(layer, [.. x], output),
            };
        }

        return graph.ToModel(
            "tf2onnx",
            new OnnxValue("input_1", OnnxElementType.Float, [null, plan.Input.Height, plan.Input.Width, plan.Input.Channels]),
            [new OnnxValue(values[^1], OnnxElementType.Float, [null, plan.ClassCount])],
            []);
    }

    private string TorchConvolution(ConvolutionLayer layer, Dictionary<Layer, BatchNormLayer> folded, string x, string output)
    {
        var (filters, bias) = folded.TryGetValue(layer, out var batchNorm)
            ? BatchNormFolding.Fold(layer, batchNorm, _weights)
            : (_weights[layer.Weights[0].Name], _weights[layer.Weights[1].Name]);
        var filterName = _graph.Add(new WeightTensor($"onnx::Conv_{_next++}", filters.Shape, filters.Values));
        var biasName = _graph.Add(new WeightTensor($"onnx::Conv_{_next++}", bias.Shape, bias.Values));
        string[] names = [filterName, _graph.Add("Identity", [biasName], $"onnx::Shared_{_next}")];
        return _graph.Add(
            "Conv",
            [x, .. names],
            output,
            LayerOperators.Square("dilations", 1),
            new OnnxAttribute("group", layer.Groups),
            LayerOperators.Square("kernel_shape", layer.Kernel),
            new OnnxAttribute("pads", Integers: [layer.Padding, layer.Padding, layer.Padding, layer.Padding]),
            LayerOperators.Square("strides", layer.Stride));
    }

    // x.view(x.size(0), -1), as older code has it.
    private string TorchHead(LinearLayer layer, string x)
    {
        var batch = _graph.Add("Gather", [_graph.Add("Shape", [x], "/Shape"), _graph.AddIntegers("index", 0)], "/Gather");
        var shape = _graph.Add("Concat", [batch, _graph.AddIntegers("rest", -1)], "/Concat", new OnnxAttribute("axis", 0));
        x = _graph.Add("Reshape", [x, shape], "/Reshape");
        var head = layer.Weights.Select(spec => _graph.Add(_weights[spec.Name]));
        return _graph.Add("Gemm", [x, .. head], "1234", new OnnxAttribute("transB", 1));
    }

    // 'caffe' mode of Keras: RGB becomes BGR, then ImageNet's mean is subtracted.
    private string KerasPixels()
    {
        string[] bounds =
        [
            _graph.AddIntegers("starts", -1),
            _graph.AddIntegers("ends", long.MinValue),
            _graph.AddIntegers("axes", 3),
            _graph.AddIntegers("steps", -1),
        ];
        var x = _graph.Add("Slice", ["input_1", .. bounds], "strided_slice:0");
        x = _graph.Add("Add", [_graph.Add(OnnxTensor.Floats("mean", [3], new[] { -103.939f, -116.779f, -123.68f })), x], "BiasAdd:0");
        return _graph.Add("Transpose", [x], "Transpose:0", new OnnxAttribute("perm", Integers: [0, 3, 1, 2]));
    }

    private string KerasConvolution(ConvolutionLayer layer, string x, string output, bool trimsPadding)
    {
        var bias = new float[layer.Output.Channels];
        for (var channel = 0; channel < bias.Length; channel++)
        {
            bias[channel] = 0.1f * MathF.Cos(channel);
        }

        if (layer.Padding > 0)
        {
            x = Pad(x, layer.Padding, trimsPadding && layer.Stride == 2 ? layer.Padding - 1 : layer.Padding, output);
        }

        return _graph.Add(
            "Conv",
            [x, _graph.Add(_weights[layer.Weights[0].Name]), _graph.Add(OnnxTensor.Floats($"{output}/bias", [bias.Length], bias))],
            output,
            LayerOperators.Square("strides", layer.Stride));
    }

    private string Pad(string x, int before, int after, string name) =>
        _graph.Add("Pad", [x, _graph.AddIntegers($"{name}/pads", 0, 0, before, before, 0, 0, after, after)], $"{name}/padded");

    private string KerasHead(LinearLayer layer, string x)
    {
        var (matrix, rows, columns) = (_weights[layer.Weights[0].Name].Values.ToArray(), _plan.ClassCount, _plan.FeatureCount);
        var turned = new float[matrix.Length];
        for (var i = 0; i < matrix.Length; i++)
        {
            turned[i % columns * rows + i / columns] = matrix[i];
        }

        x = _graph.Add("MatMul", [x, _graph.Add(OnnxTensor.Floats("kernel", [columns, rows], turned))], "MatMul:0");
        return _graph.Add("Add", [x, _graph.Add(OnnxTensor.Floats("bias", [rows], _weights[layer.Weights[1].Name].Values))], "logits");
    }
}
