using System.Collections.Immutable;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// Writes a network as an ONNX model: preprocessing, one operator for nearly every layer of the plan, and what the reader wants at the end.
/// </summary>
internal sealed class OnnxGraphWriter
{
    /// <summary>The constant that says which axes of the features are left out.</summary>
    public const string FeatureAxes = "features.axes";

    private readonly ResNetModel _network;
    private readonly LayerPlan _plan;
    private readonly OnnxGraph _graph = new();

    private OnnxGraphWriter(ResNetModel network)
    {
        _network = network;
        _plan = network.Plan;
    }

    /// <summary>Gets the type of the pixels that a graph reads from a column.</summary>
    public static OnnxElementType PixelTypeOf(ImageColumn image) =>
        image.Source == PixelSource.FloatVector ? OnnxElementType.Float : OnnxElementType.UInt8;

    /// <summary>The network without its head: images in, their features out.</summary>
    /// <param name="network">The network.</param>
    /// <param name="pixelType">The type of the pixels.</param>
    /// <param name="inputName">The name of the input.</param>
    /// <param name="outputName">The name of the output.</param>
    /// <param name="metadata">What the model says about itself.</param>
    /// <param name="anyBatch">False for one image and its features as a vector, as ML.NET's OnnxTransformer wants them; true for any
    /// number, and a matrix.</param>
    public static OnnxModel Featurizer(
        ResNetModel network,
        OnnxElementType pixelType,
        string inputName,
        string outputName,
        ImmutableArray<KeyValuePair<string, string>> metadata,
        bool anyBatch = false)
    {
        var writer = new OnnxGraphWriter(network);
        var pixels = writer.PlanarPixels(pixelType, inputName, anyBatch ? null : 1);
        var features = writer.AddFeatures(writer.AddPreprocessing(writer.AddFloats(pixels)), foldBatchNorm: false);

        // [1, F, 1, 1] to [F]: ML.NET would show a leading 1 to the user as part of the column's type.
        var axes = writer._graph.AddIntegers(FeatureAxes, anyBatch ? [2, 3] : [0, 2, 3]);
        writer._graph.Add("Squeeze", [features, axes], outputName);
        ImmutableArray<long?> shape = anyBatch ? [null, writer._plan.FeatureCount] : [writer._plan.FeatureCount];
        return writer.Finish(pixels, new OnnxValue(outputName, OnnxElementType.Float, shape), metadata);
    }

    /// <summary>The whole network: images in, a probability or a logit per class out.</summary>
    public static OnnxModel Classifier(
        ResNetModel network,
        OnnxElementType pixelType,
        OnnxExportOptions options,
        ImmutableArray<KeyValuePair<string, string>> metadata)
    {
        var writer = new OnnxGraphWriter(network);
        var (plan, graph) = (network.Plan, writer._graph);
        var (height, width) = options.IncludePreprocessing ? network.Preprocessing.ResizeTo : (plan.Input.Height, plan.Input.Width);
        var elementType = options.IncludePreprocessing ? pixelType : OnnxElementType.Float;
        ImmutableArray<long?> shape = options.ChannelsLast
            ? [options.BatchSize, height, width, plan.Input.Channels]
            : [options.BatchSize, plan.Input.Channels, height, width];
        var pixels = new OnnxValue("pixels", elementType, shape);

        var x = writer.AddFloats(pixels);
        x = options.ChannelsLast ? graph.Add("Transpose", [x], "pixels.planar", new OnnxAttribute("perm", Integers: [0, 3, 1, 2])) : x;
        x = writer.AddFeatures(options.IncludePreprocessing ? writer.AddPreprocessing(x) : x, options.FoldBatchNorm);
        x = graph.Add("Flatten", [x], "flatten", new OnnxAttribute("axis", 1));
        var outputName = options.Softmax ? "probabilities" : "logits";
        var activation = network.IsMultilabel ? "Sigmoid" : "Softmax";
        var head = plan.Head.Weights.Select(spec => graph.Add(network.Weights[spec.Name]));
        x = graph.Add("Gemm", [x, .. head], options.Softmax ? plan.Head.Name : outputName, new OnnxAttribute("transB", 1));
        if (options.Softmax)
        {
            graph.Add(activation, [x], outputName, network.IsMultilabel ? [] : [new OnnxAttribute("axis", -1)]);
        }

        return writer.Finish(pixels, new OnnxValue(outputName, OnnxElementType.Float, [options.BatchSize, plan.ClassCount]), metadata);
    }

    /// <summary>The head alone, where an image has any number of labels: its features in, a probability for each label out.</summary>
    /// <remarks>
    /// ML.NET's OnnxTransformer takes the names of a vector's places from a node that nothing reads: so its own models export them.
    /// </remarks>
    /// <param name="network">The network.</param>
    /// <param name="inputName">The name of the input.</param>
    /// <param name="outputName">The name of the output.</param>
    /// <param name="classNames">The names of the labels.</param>
    public static OnnxModel LabelHead(ResNetModel network, string inputName, string outputName, ImmutableArray<string> classNames)
    {
        const long text = 8; // TensorProto.DataType.STRING
        var (plan, graph) = (network.Plan, new OnnxGraph());
        var names = $"mlnet.{outputName}";
        var place = graph.Add(
            "Cast", [graph.AddIntegers($"{names}.place", 0)], $"{names}.unusedInput", new OnnxAttribute("to", text));
        graph.Add(new OnnxNode(
            "LabelEncoder",
            [place],
            $"{names}.unusedOutput",
            [
                new OnnxAttribute("keys_strings", Texts: classNames),
                new OnnxAttribute("values_int64s", Integers: [.. Enumerable.Range(0, classNames.Length).Select(index => (long)index)]),
            ])
        {
            Name = $"{names}.SlotNames",
            Domain = OnnxModel.ClassicDomain,
        });
        string[] head = [.. plan.Head.Weights.Select(spec => graph.Add(network.Weights[spec.Name]))];
        var products = graph.Add("MatMul", [head[0], inputName], "products");
        graph.Add("Sigmoid", [graph.Add("Add", [products, head[1]], plan.Head.Name)], outputName);
        var input = new OnnxValue(inputName, OnnxElementType.Float, [plan.FeatureCount]);
        return graph.ToModel(plan.Head.Name, input, [new OnnxValue(outputName, OnnxElementType.Float, [plan.ClassCount])], []);
    }

    /// <summary>
    /// The float network as a meter: images in, the smallest and largest value of the given layers in each image out, as [batch].
    /// </summary>
    /// <param name="network">The network; whether it is quantized does not matter.</param>
    /// <param name="pixelType">The type of the pixels.</param>
    /// <param name="inputName">The name of the input.</param>
    /// <param name="layers">Indices of layers; each gives two outputs, in this order.</param>
    public static OnnxModel RangeMeter(ResNetModel network, OnnxElementType pixelType, string inputName, ImmutableArray<int> layers)
    {
        var writer = new OnnxGraphWriter(network);
        var graph = writer._graph;
        var pixels = writer.PlanarPixels(pixelType, inputName, batch: null);
        var input = writer.AddPreprocessing(writer.AddFloats(pixels));
        var values = new FloatLayers(graph, network.Plan, network.Weights, foldBatchNorm: true).Add(input);
        var outputs = layers.SelectMany(layer => ((string[])["ReduceMin", "ReduceMax"]).Select(reduction => graph.Add(
            reduction,
            [values[layer]],
            $"{network.Plan.Layers[layer].Name}.{reduction}",
            new OnnxAttribute("axes", Integers: [1, 2, 3]),
            new OnnxAttribute("keepdims", 0))))
            .Select(name => new OnnxValue(name, OnnxElementType.Float, [null]));
        return graph.ToModel(network.Plan.Architecture.Name, pixels, [.. outputs], []);
    }

    private OnnxModel Finish(OnnxValue input, OnnxValue output, ImmutableArray<KeyValuePair<string, string>> metadata) =>
        _graph.ToModel(_plan.Architecture.Name, input, [output], metadata);

    private OnnxValue PlanarPixels(OnnxElementType type, string name, int? batch)
    {
        var (height, width) = _network.Preprocessing.ResizeTo;
        return new OnnxValue(name, type, [batch, _plan.Input.Channels, height, width]);
    }

    private string AddFloats(OnnxValue pixels) => pixels.ElementType == OnnxElementType.Float
        ? pixels.Name
        : _graph.Add("Cast", [pixels.Name], "pixels.float", new OnnxAttribute("to", (long)OnnxElementType.Float));

    private string AddPreprocessing(string x) => _network.Preprocessing.Steps.Aggregate(x, AddStep);

    private string AddStep(string x, PreprocessingStep step) => step switch
    {
        PreprocessingStep.AveragePool { Size: 1 } or PreprocessingStep.CenterCrop { Border: 0 } => x,
        PreprocessingStep.AveragePool average => _graph.Add(
            "AveragePool",
            [x],
            "pixels.averaged",
            LayerOperators.Square("kernel_shape", average.Size),
            LayerOperators.Square("strides", average.Size)),
        PreprocessingStep.CenterCrop crop => AddCrop(x, crop),
        PreprocessingStep.Subtract subtract => _graph.Add(
            "Sub", [x, AddConstant("pixels.mean", subtract.Shape, subtract.Mean)], "pixels.centered"),
        PreprocessingStep.Divide divide => _graph.Add(
            "Div", [x, AddConstant("pixels.deviation", divide.Shape, divide.StandardDeviation)], "pixels.normalized"),
        _ => throw new InvalidOperationException($"{step} has no ONNX operator."),
    };

    private string AddCrop(string x, PreprocessingStep.CenterCrop crop)
    {
        string[] bounds =
        [
            _graph.AddIntegers("pixels.crop.starts", crop.Border, crop.Border),
            _graph.AddIntegers("pixels.crop.ends", crop.Border + crop.Input.Height, crop.Border + crop.Input.Width),
            _graph.AddIntegers("pixels.crop.axes", 2, 3),
        ];
        return _graph.Add("Slice", [x, .. bounds], "pixels.cropped");
    }

    private string AddConstant(string name, ImageShape shape, ImmutableArray<float> values) =>
        _graph.Add(OnnxTensor.Floats(name, [1, shape.Channels, shape.Height, shape.Width], values.AsMemory()));

    private string AddFeatures(string input, bool foldBatchNorm) => _network.Quantization is { } quantization
        ? new QuantizedLayers(_graph, _plan, _network.Weights, quantization).Add(input)
        : new FloatLayers(_graph, _plan, _network.Weights, foldBatchNorm).Add(input)[^2];
}
