using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>The ONNX operator of each layer of a plan, whatever the type of the tensors that it reads.</summary>
internal static class LayerOperators
{
    /// <summary>Adds a convolution. Its weights are among the inputs.</summary>
    public static string AddConvolution(this OnnxGraph graph, ConvolutionLayer layer, ImmutableArray<string> inputs, string output) =>
        graph.Add(
            "Conv",
            inputs,
            output,
            Square("kernel_shape", layer.Kernel),
            Square("strides", layer.Stride),
            Pads(layer.Padding),
            new OnnxAttribute("group", layer.Groups));

    /// <summary>Adds a layer that has no weights.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="inputs">The names of what it reads, in the order of <see cref="Layer.Inputs"/>.</param>
    /// <param name="output">The name of its result.</param>
    /// <param name="zero">The name of the constant that stands for zero where a layer pads with it; null for floats.</param>
    public static string AddOperator(
        this OnnxGraph graph, Layer layer, ImmutableArray<string> inputs, string output, string? zero = null) => layer switch
    {
        ReluLayer => graph.Add("Relu", inputs, output),
        MaxPoolLayer pool => graph.Add(
            "MaxPool",
            inputs,
            output,
            Square("kernel_shape", pool.Kernel),
            Square("strides", MaxPoolLayer.Stride),
            Pads(pool.Padding)),
        PaddedIdentityLayer identity => AddPaddedIdentity(graph, identity, inputs[0], output, zero),
        AveragePoolLayer => graph.Add(
            "AveragePool",
            inputs,
            output,
            Square("kernel_shape", AveragePoolLayer.Kernel),
            Square("strides", AveragePoolLayer.Kernel),
            new OnnxAttribute("ceil_mode", 1)),
        SigmoidLayer => graph.Add("Sigmoid", inputs, output),
        ScaleLayer => graph.Add("Mul", inputs, output),
        AddLayer => graph.Add("Add", inputs, output),
        GlobalAveragePoolLayer => graph.Add("GlobalAveragePool", inputs, output),
        _ => throw new InvalidOperationException($"Layer '{layer.Name}' of type {layer.GetType().Name} has no ONNX operator."),
    };

    public static OnnxAttribute Square(string name, long size) => new(name, Integers: [size, size]);

    private static OnnxAttribute Pads(long size) => new("pads", Integers: [size, size, size, size]);

    private static string AddPaddedIdentity(OnnxGraph graph, PaddedIdentityLayer identity, string x, string output, string? zero)
    {
        if (identity.Stride > 1)
        {
            string[] bounds =
            [
                graph.AddIntegers($"{identity.Name}.starts", 0, 0),
                graph.AddIntegers($"{identity.Name}.ends", long.MaxValue, long.MaxValue),
                graph.AddIntegers($"{identity.Name}.axes", 2, 3),
                graph.AddIntegers($"{identity.Name}.steps", identity.Stride, identity.Stride),
            ];
            x = graph.Add("Slice", [x, .. bounds], $"{identity.Name}.strided");
        }

        var pads = graph.AddIntegers($"{identity.Name}.pads", 0, identity.ChannelsBefore, 0, 0, 0, identity.ChannelsAfter, 0, 0);
        return graph.Add("Pad", zero is null ? [x, pads] : [x, pads, zero], output);
    }
}
