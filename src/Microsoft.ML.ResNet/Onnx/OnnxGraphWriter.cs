using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>Writes a network as an ONNX model: one operator for nearly every layer of the plan, weights under their state-dict names.</summary>
internal sealed class OnnxGraphWriter
{
    private readonly LayerPlan _plan;
    private readonly ResNetWeights _weights;
    private readonly Dictionary<Layer, BatchNormLayer> _folded;
    private readonly ImmutableArray<OnnxNode>.Builder _nodes = ImmutableArray.CreateBuilder<OnnxNode>();
    private readonly ImmutableArray<OnnxTensor>.Builder _initializers = ImmutableArray.CreateBuilder<OnnxTensor>();

    private OnnxGraphWriter(LayerPlan plan, ResNetWeights weights, bool foldBatchNorm)
    {
        _plan = plan;
        _weights = weights;
        _folded = foldBatchNorm ? Foldable(plan) : [];
    }

    /// <summary>The network without its head: one image in, its features as a vector out, as ML.NET's OnnxTransformer wants them.</summary>
    public static OnnxModel Featurizer(
        LayerPlan plan, ResNetWeights weights, ImagePreprocessing preprocessing, OnnxElementType pixelType, string inputName, string outputName, ImmutableArray<KeyValuePair<string, string>> metadata)
    {
        var writer = new OnnxGraphWriter(plan, weights, foldBatchNorm: false);
        var pixels = new OnnxValue(inputName, pixelType, [1, plan.Input.Channels, preprocessing.ResizeTo.Height, preprocessing.ResizeTo.Width]);
        var features = writer.AddFeatures(writer.AddPreprocessing(writer.AddFloats(pixels), preprocessing));

        // [1, F, 1, 1] to [F]: ML.NET would show a leading 1 to the user as part of the column's type.
        writer.Add("Squeeze", [features, writer.AddIntegers("features.axes", 0, 2, 3)], outputName);
        return writer.Finish(pixels, new OnnxValue(outputName, OnnxElementType.Float, [plan.FeatureCount]), metadata);
    }

    /// <summary>The whole network: images in, a probability or a logit per class out.</summary>
    public static OnnxModel Classifier(
        LayerPlan plan, ResNetWeights weights, ImagePreprocessing preprocessing, OnnxElementType pixelType, OnnxExportOptions options, ImmutableArray<KeyValuePair<string, string>> metadata)
    {
        var writer = new OnnxGraphWriter(plan, weights, options.FoldBatchNorm);
        var (height, width) = options.IncludePreprocessing ? preprocessing.ResizeTo : (plan.Input.Height, plan.Input.Width);
        var elementType = options.IncludePreprocessing ? pixelType : OnnxElementType.Float;
        var pixels = new OnnxValue("pixels", elementType, options.ChannelsLast ? [options.BatchSize, height, width, plan.Input.Channels] : [options.BatchSize, plan.Input.Channels, height, width]);

        var x = writer.AddFloats(pixels);
        x = options.ChannelsLast ? writer.Add("Transpose", [x], "pixels.planar", new OnnxAttribute("perm", Integers: [0, 3, 1, 2])) : x;
        x = writer.AddFeatures(options.IncludePreprocessing ? writer.AddPreprocessing(x, preprocessing) : x);
        x = writer.Add("Flatten", [x], "flatten", new OnnxAttribute("axis", 1));
        var outputName = options.Softmax ? "probabilities" : "logits";
        x = writer.Add("Gemm", [x, .. writer.AddWeights(plan.Head)], options.Softmax ? plan.Head.Name : outputName, new OnnxAttribute("transB", 1));
        if (options.Softmax)
        {
            writer.Add("Softmax", [x], outputName, new OnnxAttribute("axis", -1));
        }

        return writer.Finish(pixels, new OnnxValue(outputName, OnnxElementType.Float, [options.BatchSize, plan.ClassCount]), metadata);
    }

    private OnnxModel Finish(OnnxValue input, OnnxValue output, ImmutableArray<KeyValuePair<string, string>> metadata) =>
        new(_plan.Architecture.Name, _nodes.ToImmutable(), _initializers.ToImmutable(), [input], [output], metadata);

    private string AddFloats(OnnxValue pixels) => pixels.ElementType == OnnxElementType.Float
        ? pixels.Name
        : Add("Cast", [pixels.Name], "pixels.float", new OnnxAttribute("to", (long)OnnxElementType.Float));

    private string AddPreprocessing(string x, ImagePreprocessing preprocessing)
    {
        if (preprocessing.Supersampling > 1)
        {
            x = Add("AveragePool", [x], "pixels.averaged", Square("kernel_shape", preprocessing.Supersampling), Square("strides", preprocessing.Supersampling));
        }

        if (preprocessing.CropBorder is > 0 and var border)
        {
            string[] bounds =
            [
                AddIntegers("pixels.crop.starts", border, border),
                AddIntegers("pixels.crop.ends", border + preprocessing.Input.Height, border + preprocessing.Input.Width),
                AddIntegers("pixels.crop.axes", 2, 3),
            ];
            x = Add("Slice", [x, .. bounds], "pixels.cropped");
        }

        ImmutableArray<long> perChannel = [1, preprocessing.Input.Channels, 1, 1];
        var meanShape = preprocessing.HasMeanImage ? [1, preprocessing.Input.Channels, preprocessing.Input.Height, preprocessing.Input.Width] : perChannel;
        x = Add("Sub", [x, Add(OnnxTensor.Floats("pixels.mean", meanShape, preprocessing.Mean.AsMemory()))], "pixels.centered");
        return Add("Div", [x, Add(OnnxTensor.Floats("pixels.deviation", perChannel, preprocessing.StandardDeviation.AsMemory()))], "pixels.normalized");
    }

    private string AddFeatures(string input)
    {
        var values = new string[_plan.Layers.Length];
        for (var i = 0; i < values.Length - 1; i++)
        {
            values[i] = AddOperator(_plan.Layers[i], input, values);
        }

        return values[^2];
    }

    private string AddOperator(Layer layer, string input, string[] values)
    {
        string X(int i = 0) => values[layer.Inputs[i]];
        return layer switch
        {
            ImageInputLayer => input,
            ConvolutionLayer convolution => Add("Conv", [X(), .. AddConvolutionWeights(convolution)], convolution.Name,
                Square("kernel_shape", convolution.Kernel), Square("strides", convolution.Stride), Pads(convolution.Padding), new OnnxAttribute("group", convolution.Groups)),
            BatchNormLayer when _folded.ContainsKey(_plan.Layers[layer.Inputs[0]]) => X(),
            BatchNormLayer batchNorm => Add("BatchNormalization", [X(), .. AddWeights(batchNorm)], batchNorm.Name, new OnnxAttribute("epsilon", Float: BatchNormLayer.Epsilon)),
            ReluLayer => Add("Relu", [X()], layer.Name),
            MaxPoolLayer pool => Add("MaxPool", [X()], pool.Name, Square("kernel_shape", pool.Kernel), Square("strides", MaxPoolLayer.Stride), Pads(pool.Padding)),
            PaddedIdentityLayer identity => AddPaddedIdentity(identity, X()),
            AveragePoolLayer => Add("AveragePool", [X()], layer.Name, Square("kernel_shape", AveragePoolLayer.Kernel), Square("strides", AveragePoolLayer.Kernel), new OnnxAttribute("ceil_mode", 1)),
            SigmoidLayer => Add("Sigmoid", [X()], layer.Name),
            ScaleLayer => Add("Mul", [X(0), X(1)], layer.Name),
            AddLayer => Add("Add", [X(0), X(1)], layer.Name),
            GlobalAveragePoolLayer => Add("GlobalAveragePool", [X()], layer.Name),
            _ => throw new InvalidOperationException($"Layer '{layer.Name}' of type {layer.GetType().Name} has no ONNX operator."),
        };
    }

    private string AddPaddedIdentity(PaddedIdentityLayer identity, string x)
    {
        if (identity.Stride > 1)
        {
            string[] bounds =
            [
                AddIntegers($"{identity.Name}.starts", 0, 0),
                AddIntegers($"{identity.Name}.ends", long.MaxValue, long.MaxValue),
                AddIntegers($"{identity.Name}.axes", 2, 3),
                AddIntegers($"{identity.Name}.steps", identity.Stride, identity.Stride),
            ];
            x = Add("Slice", [x, .. bounds], $"{identity.Name}.strided");
        }

        return Add("Pad", [x, AddIntegers($"{identity.Name}.pads", 0, identity.ChannelsBefore, 0, 0, 0, identity.ChannelsAfter, 0, 0)], identity.Name);
    }

    // The normalization that each convolution takes in: one that is the only reader of its result. A pre-activation network's stem is also
    // read by the first shortcut, and stays as it is.
    private static Dictionary<Layer, BatchNormLayer> Foldable(LayerPlan plan) => plan.Layers
        .SelectMany(layer => layer.Inputs.Select(input => (Read: plan.Layers[input], Reader: layer)))
        .GroupBy(edge => edge.Read, edge => edge.Reader)
        .Where(readers => readers.Key is ConvolutionLayer && readers.Count() == 1 && readers.Single() is BatchNormLayer)
        .ToDictionary(readers => readers.Key, readers => (BatchNormLayer)readers.Single());

    private IEnumerable<string> AddConvolutionWeights(ConvolutionLayer convolution)
    {
        if (!_folded.TryGetValue(convolution, out var batchNorm))
        {
            return AddWeights(convolution);
        }

        var (filters, bias) = BatchNormFolding.Fold(convolution, batchNorm, _weights);
        return [Add(OnnxTensor.Floats(filters.Name, [.. filters.Shape.Select(size => (long)size)], filters.Values)), Add(OnnxTensor.Floats(bias.Name, [bias.Shape[0]], bias.Values))];
    }

    private IEnumerable<string> AddWeights(Layer layer) =>
        layer.Weights.Select(spec => Add(OnnxTensor.Floats(spec.Name, [.. spec.Shape.Select(size => (long)size)], _weights[spec.Name].Values)));

    private string AddIntegers(string name, params ReadOnlySpan<long> values) => Add(OnnxTensor.Integers(name, values));

    private string Add(OnnxTensor tensor)
    {
        _initializers.Add(tensor);
        return tensor.Name;
    }

    private string Add(string operation, ImmutableArray<string> inputs, string output, params ImmutableArray<OnnxAttribute> attributes)
    {
        _nodes.Add(new OnnxNode(operation, inputs, output, attributes));
        return output;
    }

    private static OnnxAttribute Square(string name, long size) => new(name, Integers: [size, size]);

    private static OnnxAttribute Pads(long size) => new("pads", Integers: [size, size, size, size]);
}
