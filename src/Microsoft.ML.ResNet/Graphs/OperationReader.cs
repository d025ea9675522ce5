using System.Collections.Immutable;
using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>
/// Reads the nodes of a graph as operations on signals: shapes are followed, constants taken in, and what only moves values between
/// orders of dimensions is left out. Whatever no residual network has is refused by its node's name.
/// </summary>
/// <remarks>
/// Every value must be there before it is read, so there is no circle; every node is visited once.
/// </remarks>
internal sealed class OperationReader
{
    private const int LargestSide = 1 << 14;
    private const int MostChannels = 1 << 16;

    // A graph whose input has no size is read as if it had the usual one.
    private const int UsualSide = 224, UsualSmallSide = 32;

    private static readonly ImmutableArray<long> ToChannelsFirst = [0, 3, 1, 2], ToChannelsLast = [0, 2, 3, 1];

    private readonly Dictionary<string, GraphConstant> _constants;
    private readonly Dictionary<string, GraphValue> _values = [];
    private readonly HashSet<string> _sizes = []; // values that say how large others are
    private readonly HashSet<Signal> _gates = []; // results of Sigmoid

    private readonly ValueBudget _budget;

    private OperationReader(ComputationGraph graph, ValueBudget budget)
    {
        _constants = new Dictionary<string, GraphConstant>(graph.Constants);
        _budget = budget;
    }

    /// <summary>Reads a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="budget">Room for what is computed from its constants.</param>
    /// <returns>The signal of its input, from which its operations can be walked.</returns>
    /// <exception cref="InvalidDataException">It has a node that no residual network has.</exception>
    public static Signal Read(ComputationGraph graph, ValueBudget budget)
    {
        var reader = new OperationReader(graph, budget);
        var inputs = graph.Inputs.Where(input => !graph.Constants.ContainsKey(input.Name)).Take(2).ToArray();
        if (inputs is not [var input])
        {
            throw new InvalidDataException(
                $"its graph has {(inputs.Length == 0 ? "no input" : "several inputs")}, but a residual network reads one: the images");
        }

        var images = ImagesOf(input, graph);
        reader._values[input.Name] = images;
        foreach (var node in graph.Nodes)
        {
            reader.Read(node);
        }

        return images.Signal;
    }

    private static GraphValue ImagesOf(GraphInput input, ComputationGraph graph)
    {
        if (input.Shape is not [_, _, _, _])
        {
            throw new InvalidDataException(
                $"its graph's input {ErrorText.Quote(input.Name)} has {input.Shape.Length} dimensions, but images have 4");
        }

        var first = graph.Nodes.FindIndex(node => node.Operator == "Conv");
        var isLast = graph.Nodes.Take(first < 0 ? graph.Nodes.Count : first)
            .Any(node => node.Operator == "Transpose" && IsPermutation(node, ToChannelsFirst));
        var filters = first >= 0 && graph.Nodes[first].Inputs is [_, var name, ..]
            && graph.Constants.TryGetValue(name, out var constant) && constant.Shape is [_, _, _, _]
            ? constant.Shape
            : [];
        var usual = filters is [_, _, <= 3, _] && graph.Nodes[first].Integers("strides") is not [2, ..] ? UsualSmallSide : UsualSide;
        var (channels, height, width) = isLast
            ? (input.Shape[3], input.Shape[1], input.Shape[2])
            : (input.Shape[1], input.Shape[2], input.Shape[3]);
        channels ??= filters is [_, > 0 and var read, _, _]
            ? read * Math.Clamp(graph.Nodes[first].Integer("group", 1), 1, MostChannels)
            : 3;
        return channels is >= 1 and <= MostChannels && IsSide(height ?? usual) && IsSide(width ?? usual)
            ? new GraphValue(
                new Signal(new ImageShape((int)channels, (int)(height ?? usual), (int)(width ?? usual))),
                isLast ? GraphLayout.ChannelsLast : GraphLayout.ChannelsFirst)
            : throw new InvalidDataException(
                $"its graph's input {ErrorText.Quote(input.Name)} is of {channels} channels, {height} rows and {width} columns, "
                + $"but images have up to {LargestSide:n0} pixels a side");
    }

    private static bool IsSide(long pixels) => pixels is >= 1 and <= LargestSide;

    private void Read(GraphNode node)
    {
        if (node.Outputs is not [var output, ..])
        {
            throw node.Refuse("has no result", "one");
        }

        if (_values.ContainsKey(output) || _constants.ContainsKey(output) || _sizes.Contains(output))
        {
            throw node.Refuse($"gives {ErrorText.Quote(output)} again", "a value that no node before has given");
        }

        var isData = node.Inputs.Any(_values.ContainsKey);
        if (node.Operator == "Shape" || (!isData && node.Inputs.Any(_sizes.Contains)))
        {
            _sizes.UnionWith(node.Outputs);
        }
        else if (isData)
        {
            ReadData(node, output);
        }
        else if (node.Operator is "Constant" && node.Attributes.TryGetValue("value", out var value) && value.Tensor is { } tensor)
        {
            _constants[output] = tensor;
        }
        else if (node.Operator is "Identity" or "Cast" && node.Inputs is [var name] && _constants.TryGetValue(name, out var constant))
        {
            _constants[output] = constant;
        }
        else if (node.Inputs.All(input => _constants.ContainsKey(input)))
        {
            _sizes.UnionWith(node.Outputs); // of constants alone: what follows from it is refused where it is needed
        }
        else
        {
            throw node.Refuse("reads a value that no node before has given", "nodes in the order of computation");
        }
    }

    private void ReadData(GraphNode node, string output)
    {
        switch (node.Operator)
        {
            case "Identity" or "Dropout" or "Cast":
                _values[output] = Input(node, 0);
                break;
            case "Transpose":
                _values[output] = Transpose(node, Input(node, 0));
                break;
            case "Flatten" or "Reshape" or "Squeeze" or "Unsqueeze":
                _values[output] = Flatten(node, Input(node, 0));
                break;
            case "Pad":
                ReadPad(node, output);
                break;
            case "Split":
                ReadSplit(node);
                break;
            case "Concat":
                ReadConcat(node, output);
                break;
            case "Gather":
                ReadGather(node, output);
                break;
            case "Slice":
                ReadSlice(node, output);
                break;
            case "Conv":
                ReadConvolution(node, output);
                break;
            case "BatchNormalization":
                ReadNormalization(node, output);
                break;
            case "Relu":
                var x = Plain(node, 0);
                Add(output, new Operation.Relu(node, new Signal(x.Signal.Shape, isNonNegative: true)), x);
                break;
            case "Sigmoid":
                x = Plain(node, 0);
                var gate = new Signal(x.Signal.Shape, isNonNegative: true);
                _gates.Add(gate);
                Add(output, new Operation.Sigmoid(node, gate), x);
                break;
            case "Softmax":
                x = Plain(node, 0);
                Add(output, new Operation.Softmax(node, new Signal(x.Signal.Shape, isNonNegative: true)), x);
                break;
            case "MaxPool":
                ReadMaxPool(node, output);
                break;
            case "AveragePool":
                ReadAveragePool(node, output);
                break;
            case "GlobalAveragePool":
                x = Plain(node, 0);
                AddGlobalPool(node, output, x, x.Layout);
                break;
            case "ReduceMean":
                ReadMean(node, output);
                break;
            case "Add" or "Sub" or "Mul" or "Div":
                ReadArithmetic(node, output);
                break;
            case "Gemm" or "MatMul":
                ReadLinear(node, output);
                break;
            default:
                throw node.Refuse(
                    "is an operator that no residual network of the library has",
                    "convolution, normalization, ReLU, pooling, addition and what goes with them");
        }
    }

    private void Add(string output, Operation operation, params ReadOnlySpan<GraphValue> inputs) =>
        Add(output, operation, inputs[0].Layout, inputs);

    private void Add(string output, Operation operation, GraphLayout layout, params ReadOnlySpan<GraphValue> inputs)
    {
        foreach (var input in inputs)
        {
            if (!input.Signal.Readers.Contains(operation, ReferenceEqualityComparer.Instance))
            {
                input.Signal.Readers.Add(operation);
            }
        }

        _values[output] = new GraphValue(operation.Output, layout);
    }

    private GraphValue Input(GraphNode node, int index) =>
        index < node.Inputs.Length && _values.TryGetValue(node.Inputs[index], out var value)
            ? value
            : throw node.Refuse($"has no value of the images as its input {index + 1}", "one");

    // With neither a border nor a channel apart.
    private GraphValue Plain(GraphNode node, int index)
    {
        var value = Input(node, index);
        return value.Border.IsEmpty && value.Channel is null
            ? value
            : throw node.Refuse(
                value.Channel is null ? "reads an image with zeros around it" : "reads a channel apart from the others",
                "whole images without a border");
    }

    private GraphValue ChannelsFirst(GraphNode node, GraphValue value) => value.Layout != GraphLayout.ChannelsLast
        ? value
        : throw node.Refuse("reads [batch, height, width, channels]", "a Transpose before it, as ONNX convolves channels first");

    private GraphConstant? Constant(GraphNode node, int index) =>
        index < node.Inputs.Length && _constants.TryGetValue(node.Inputs[index], out var constant) ? constant : null;

    private GraphConstant Floats(GraphNode node, int index, string what, params ReadOnlySpan<int> shape)
    {
        if (Constant(node, index) is not { } constant || (constant.Floats.IsEmpty && !constant.Integers.IsEmpty))
        {
            throw node.Refuse($"has no constant floats as its {what}", "some");
        }

        return shape.IsEmpty || constant.Shape.AsSpan().SequenceEqual(shape)
            ? constant
            : throw node.Refuse($"has {what} shaped {ErrorText.Shape(constant.Shape)}", $"{ErrorText.Shape(shape.ToArray())}");
    }

    // No conditional expression: its null would become an empty bias.
    private ReadOnlyMemory<float>? Bias(GraphNode node, int outputs)
    {
        if (node.Inputs is not [_, _, { Length: > 0 }, ..])
        {
            return null;
        }

        return Floats(node, 2, "bias", outputs).Floats;
    }

    // Numbers that newer versions of ONNX have as an input, and older ones as an attribute.
    private ImmutableArray<long>? Numbers(GraphNode node, int input, string attribute)
    {
        if (input < node.Inputs.Length && node.Inputs[input].Length > 0)
        {
            return Constant(node, input)?.Integers
                ?? throw node.Refuse($"computes its {attribute}", "constant ones");
        }

        return node.Integers(attribute);
    }

    private static bool IsPermutation(GraphNode node, ImmutableArray<long> permutation) =>
        node.Integers("perm") is { } given && given.SequenceEqual(permutation);

    private static GraphValue Transpose(GraphNode node, GraphValue x) => x.Layout switch
    {
        GraphLayout.Flat => x,
        GraphLayout.ChannelsLast when IsPermutation(node, ToChannelsFirst) => x with { Layout = GraphLayout.ChannelsFirst },
        GraphLayout.ChannelsFirst when IsPermutation(node, ToChannelsLast) => x with { Layout = GraphLayout.ChannelsLast },
        _ => throw node.Refuse(
            "has another order of dimensions", "[0, 3, 1, 2] to put channels first or [0, 2, 3, 1] to put them last"),
    };

    private static GraphValue Flatten(GraphNode node, GraphValue x) => x.Signal.Shape is (_, 1, 1) && x.Channel is null && x.Border.IsEmpty
        ? x with { Layout = GraphLayout.Flat }
        : throw node.Refuse($"gives images of {x.Signal.Shape} another shape", "one pixel, as after global pooling");

    private void ReadPad(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var value = Constant(node, 2) is { } constant
            ? constant.Floats.Length == 1 ? constant.Floats.Span[0] : float.NaN
            : node.Float("value", 0);
        var pads = Numbers(node, 1, "pads") ?? [];
        if ((node.Text("mode") ?? "constant") != "constant" || value != 0 || node.Inputs.Length > 3
            || pads is not [0, _, _, _, 0, _, _, _] || pads.Any(pad => pad is < 0 or > LargestSide))
        {
            throw node.Refuse("does not pad with zeros", "eight numbers of zeros around height, width or channels");
        }

        var (channel, height) = (x.ChannelAxis, x.HeightAxis);
        var border = new ZeroBorder((int)pads[height], (int)pads[height + 1], (int)pads[height + 4], (int)pads[height + 5]);
        var (before, after) = ((int)pads[channel], (int)pads[channel + 4]);
        if (before + after == 0)
        {
            _values[output] = x with { Border = border };
            return;
        }

        if (!border.IsEmpty)
        {
            throw node.Refuse("pads channels and pixels at once", "one of them");
        }

        var shape = x.Signal.Shape with { Channels = x.Signal.Shape.Channels + before + after };
        if (shape.Channels > MostChannels)
        {
            throw node.Refuse($"makes {shape.Channels:n0} channels", $"up to {MostChannels:n0}");
        }

        Add(output, new Operation.PadChannels(node, new Signal(shape, x.Signal.IsNonNegative), before, after), x);
    }

    private void ReadSplit(GraphNode node)
    {
        var x = Plain(node, 0);
        var axis = node.Integer("axis", 0);
        if ((axis < 0 ? axis + 4 : axis) != x.ChannelAxis || node.Outputs.Length != x.Signal.Shape.Channels
            || (Numbers(node, 1, "split") is { } sizes && sizes.Any(size => size != 1)))
        {
            throw node.Refuse("does not split an image into its channels", "as many results as channels");
        }

        foreach (var (channel, output) in node.Outputs.Index())
        {
            _values[output] = x with { Channel = channel };
        }
    }

    private void ReadConcat(GraphNode node, string output)
    {
        var parts = node.Inputs.Select((_, index) => Input(node, index)).ToArray();
        var x = parts[0];
        var axis = node.Integer("axis", 1);
        if ((axis < 0 ? axis + 4 : axis) != x.ChannelAxis || parts.Length != x.Signal.Shape.Channels
            || parts.Any(part => part.Signal != x.Signal || part.Channel is null || part.Layout != x.Layout))
        {
            throw node.Refuse("joins different values", "the channels of one image in another order");
        }

        AddOrder(node, output, x with { Channel = null }, [.. parts.Select(part => part.Channel!.Value)]);
    }

    private void ReadGather(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var axis = node.Integer("axis", 0);
        if ((axis < 0 ? axis + 4 : axis) != x.ChannelAxis || Constant(node, 1) is not { Shape: [_] } order)
        {
            throw node.Refuse("picks out parts of an image", "its channels in another order");
        }

        var channels = x.Signal.Shape.Channels;
        AddOrder(node, output, x, [.. order.Integers.Select(channel => channel < 0 ? channel + channels : channel)
            .Select(channel => channel >= 0 && channel < channels ? (int)channel : -1)]);
    }

    private void AddOrder(GraphNode node, string output, GraphValue x, ImmutableArray<int> sources)
    {
        if (sources.Length != x.Signal.Shape.Channels || !sources.Order().SequenceEqual(Enumerable.Range(0, sources.Length)))
        {
            throw node.Refuse("takes channels twice or leaves some out", "each channel once, in any order");
        }

        Add(output, new Operation.Reorder(node, new Signal(x.Signal.Shape, x.Signal.IsNonNegative), sources), x);
    }

    private void ReadSlice(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var (starts, ends) = (Numbers(node, 1, "starts") ?? [], Numbers(node, 2, "ends") ?? []);
        ImmutableArray<long> axes = Numbers(node, 3, "axes") ?? [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
        ImmutableArray<long> steps = Numbers(node, 4, "steps") ?? [.. starts.Select(_ => 1L)];
        if (x.Layout == GraphLayout.Flat || starts.IsEmpty || starts.Length > 4
            || (starts.Length, starts.Length, starts.Length) != (ends.Length, axes.Length, steps.Length)
            || axes.Any(axis => axis is < -4 or > 3) || steps.Any(step => step is 0 or < -1 or > LargestSide))
        {
            throw node.Refuse("takes parts of an image", "every second pixel, the middle, or the channels the other way round");
        }

        var shape = x.Signal.Shape;
        var parts = new SliceParts(0, shape.Height, 1, 0, shape.Width, 1);
        var isReversed = false;
        foreach (var (i, given) in axes.Index())
        {
            var axis = (int)(given < 0 ? given + 4 : given);
            if (axis == x.ChannelAxis && steps[i] == -1 && (starts[i] == -1 || starts[i] >= shape.Channels - 1)
                && ends[i] < -shape.Channels)
            {
                isReversed = true;
                continue;
            }

            var size = axis == x.HeightAxis ? shape.Height
                : axis == x.HeightAxis + 1 ? shape.Width
                : axis == x.ChannelAxis ? shape.Channels : 1;
            var (start, end) = (Place(starts[i], size), Place(ends[i], size));
            if (steps[i] < 1 || start >= end)
            {
                throw node.Refuse("takes pixels backward or none", "some, from the first to the last");
            }

            if (axis == x.HeightAxis)
            {
                parts = parts with { Top = start, Bottom = end, Down = (int)steps[i] };
            }
            else if (axis == x.HeightAxis + 1)
            {
                parts = parts with { Left = start, Right = end, Across = (int)steps[i] };
            }
            else if (axis != 0 && (start, end, steps[i]) != (0, size, 1))
            {
                throw node.Refuse("takes some of the channels", "all");
            }
        }

        AddSlice(node, output, x, parts, isReversed);

        // As Python counts: from the end where it is negative.
        static int Place(long place, int size) => (int)Math.Clamp(place < 0 ? Math.Max(place, -size) + size : place, 0, size);
    }

    private void AddSlice(GraphNode node, string output, GraphValue x, SliceParts parts, bool isReversed)
    {
        var (channels, height, width) = x.Signal.Shape;
        var isWhole = (parts.Top, parts.Left, parts.Bottom, parts.Right) == (0, 0, height, width);
        if (isReversed && isWhole && (parts.Down, parts.Across) == (1, 1))
        {
            AddOrder(node, output, x, [.. Enumerable.Range(0, channels).Reverse()]);
        }
        else if (!isReversed && isWhole)
        {
            var shape = new ImageShape(
                channels, ConvolutionLayer.Strided(height, parts.Down), ConvolutionLayer.Strided(width, parts.Across));
            Add(output, new Operation.Subsample(node, new Signal(shape, x.Signal.IsNonNegative), parts.Down, parts.Across), x);
        }
        else if (!isReversed && (parts.Down, parts.Across) == (1, 1) && parts.Top == parts.Left
            && (height - parts.Bottom, width - parts.Right) == (parts.Top, parts.Left))
        {
            var shape = new ImageShape(channels, parts.Bottom - parts.Top, parts.Right - parts.Left);
            Add(output, new Operation.Crop(node, new Signal(shape, x.Signal.IsNonNegative), parts.Top), x);
        }
        else
        {
            throw node.Refuse("takes parts of an image", "every second pixel, the middle, or the channels the other way round");
        }
    }

    private void ReadConvolution(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Input(node, 0));
        var filters = Floats(node, 1, "filters");
        var group = node.Integer("group", 1);
        if (x.Channel is not null || filters.Shape is not [> 0 and <= MostChannels, > 0, > 0, > 0] || group is < 1 or > MostChannels
            || filters.Shape[1] * group != x.Signal.Shape.Channels || filters.Shape[0] % group != 0
            || (node.Integers("kernel_shape") is { } kernel && !kernel.SequenceEqual(filters.Shape.Skip(2).Select(size => (long)size))))
        {
            throw node.Refuse(
                $"has filters shaped {ErrorText.Shape(filters.Shape)} and {group} groups for {x.Signal.Shape.Channels} channels",
                "[outputs, inputs / groups, kernel, kernel]");
        }

        var outputs = filters.Shape[0];
        var bias = Bias(node, outputs);
        var windows = WindowPlacement.Of(node, [filters.Shape[2], filters.Shape[3]], x);
        var (height, width) = windows.Check(
            node, x.Signal.Shape, windows.Kernel / 2, size => ConvolutionLayer.Strided(size, windows.Stride));
        var result = new Signal(new ImageShape(outputs, height, width));
        Add(output, new Operation.Convolution(node, result, filters, bias, windows.Stride, (int)group), x);
    }

    private void ReadNormalization(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Plain(node, 0));
        var channels = x.Signal.Shape.Channels;
        if (node.Integer("training_mode", 0) != 0 || node.Integer("spatial", 1) != 1)
        {
            throw node.Refuse("normalizes as in training, or each pixel apart", "running statistics of each channel");
        }

        var epsilon = node.Float("epsilon", BatchNormLayer.Epsilon);
        var scale = Floats(node, 1, "scale", channels).Floats;
        var (shift, mean) = (Floats(node, 2, "shift", channels).Floats, Floats(node, 3, "mean", channels).Floats);
        var variance = Floats(node, 4, "variance", channels).Floats;
        if (epsilon != BatchNormLayer.Epsilon)
        {
            scale = Rescaled(scale.Span, variance.Span, epsilon);
        }

        Add(output, new Operation.Normalization(node, new Signal(x.Signal.Shape), scale, shift, mean, variance), x);
    }

    // γ/√(σ² + ε) stays the same with our ε.
    private float[] Rescaled(ReadOnlySpan<float> scale, ReadOnlySpan<float> variance, float epsilon)
    {
        var rescaled = _budget.New(scale.Length);
        for (var i = 0; i < rescaled.Length; i++)
        {
            rescaled[i] = (float)(scale[i] * Math.Sqrt(((double)variance[i] + BatchNormLayer.Epsilon) / ((double)variance[i] + epsilon)));
        }

        return rescaled;
    }

    private void ReadMaxPool(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Input(node, 0));
        if (x.Channel is not null || (!x.Border.IsEmpty && !x.Signal.IsNonNegative))
        {
            throw node.Refuse("takes the largest of values and of zeros around them", "a padding of its own, or ReLU before the zeros");
        }

        var windows = WindowPlacement.Of(node, default, x);
        if (windows is not { Kernel: 3 or 2, Stride: MaxPoolLayer.Stride })
        {
            throw node.Refuse(
                $"has a kernel of {windows.Kernel} and a stride of {windows.Stride}", "a kernel of 3 or 2 and a stride of 2");
        }

        var (kernel, padding) = (windows.Kernel, (windows.Kernel - 1) / 2);
        var (height, width) = windows.Check(
            node, x.Signal.Shape, padding, size => (size + 2 * padding - kernel) / MaxPoolLayer.Stride + 1);
        var shape = new ImageShape(x.Signal.Shape.Channels, height, width);
        Add(output, new Operation.MaxPool(node, new Signal(shape, x.Signal.IsNonNegative), kernel), x);
    }

    private void ReadAveragePool(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Plain(node, 0));
        var (shape, windows) = (x.Signal.Shape, WindowPlacement.Of(node, default, x));
        if ((windows.Kernel, windows.Kernel) == (shape.Height, shape.Width) && windows.Padding.IsEmpty)
        {
            AddGlobalPool(node, output, x, x.Layout, windows.Stride == windows.Kernel ? windows.Kernel : 0);
            return;
        }

        if (windows.Stride != windows.Kernel)
        {
            throw node.Refuse(
                $"averages squares of {windows.Kernel} with a stride of {windows.Stride} in images of {shape.Height}×{shape.Width}",
                "squares side by side, or the whole image");
        }

        // A last odd row counts by itself, as ONNX has it where the padding does not count.
        var (height, width) = windows.Check(node, shape, padding: 0, size => (size + windows.Kernel - 1) / windows.Kernel);
        var result = new Signal(new ImageShape(shape.Channels, height, width), x.Signal.IsNonNegative);
        Add(output, new Operation.AveragePool(node, result, windows.Kernel, IsGlobal: false), x);
    }

    private void ReadMean(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var axes = Numbers(node, 1, "axes") ?? [];
        if (x.Layout == GraphLayout.Flat
            || !axes.Select(axis => axis < 0 ? axis + 4 : axis).Order().SequenceEqual([x.HeightAxis, x.HeightAxis + 1]))
        {
            throw node.Refuse("takes the mean over other dimensions", "the mean over height and width");
        }

        AddGlobalPool(node, output, x, node.Integer("keepdims", 1) == 0 ? GraphLayout.Flat : x.Layout);
    }

    private void AddGlobalPool(GraphNode node, string output, GraphValue x, GraphLayout layout, int kernel = 0)
    {
        var result = new Signal(new ImageShape(x.Signal.Shape.Channels, 1, 1), x.Signal.IsNonNegative);
        Add(output, new Operation.AveragePool(node, result, kernel, IsGlobal: true), layout, x);
    }

    private void ReadArithmetic(GraphNode node, string output)
    {
        var isFirst = node.Inputs.Length == 2 && _values.ContainsKey(node.Inputs[0]);
        var isSecond = node.Inputs.Length == 2 && _values.ContainsKey(node.Inputs[1]);
        if (isFirst && isSecond)
        {
            ReadPair(node, output, Plain(node, 0), Plain(node, 1));
            return;
        }

        if (!(isFirst || isSecond) || (isSecond && node.Operator is "Sub" or "Div"))
        {
            throw node.Refuse("does not compute with a constant", "images on the left and a constant on the right");
        }

        var x = Plain(node, isFirst ? 0 : 1);
        var (values, isPerPixel) = Spread(node, Floats(node, isFirst ? 1 : 0, "constant"), x);
        var channels = x.Signal.Shape.Channels;
        var scale = _budget.New(channels);
        Array.Fill(scale, 1);
        var shift = node.Operator is "Add" or "Sub" ? values : _budget.New(channels);
        switch (node.Operator)
        {
            case "Sub":
                TensorPrimitives.Negate(values, shift);
                break;
            case "Mul" or "Div" when isPerPixel:
                throw node.Refuse("scales each pixel on its own", "one factor for each channel");
            case "Mul":
                scale = values;
                break;
            case "Div":
                TensorPrimitives.Reciprocal<float>(values, scale);
                break;
        }

        Add(output, new Operation.Affine(node, new Signal(x.Signal.Shape), scale, shift), x);
    }

    private void ReadPair(GraphNode node, string output, GraphValue a, GraphValue b)
    {
        var (one, other) = (a.Signal.Shape, b.Signal.Shape);
        if (node.Operator == "Add" && one == other && a.Signal != b.Signal)
        {
            var result = new Signal(one, a.Signal.IsNonNegative && b.Signal.IsNonNegative);
            Add(output, new Operation.Sum(node, result, a.Signal, b.Signal), a, b);
        }
        else if (node.Operator == "Mul" && one.Channels == other.Channels && a.Signal != b.Signal
            && (one is (_, 1, 1) || other is (_, 1, 1)))
        {
            var isGateFirst = other is not (_, 1, 1) || (one is (_, 1, 1) && _gates.Contains(a.Signal));
            var (maps, gate) = isGateFirst ? (b, a) : (a, b);
            Add(output, new Operation.Scaled(node, new Signal(maps.Signal.Shape), maps.Signal, gate.Signal), maps, gate);
        }
        else
        {
            throw node.Refuse(
                $"computes with images of {one} and of {other}", "the sum of two of the same size, or a factor for each channel");
        }
    }

    private void ReadLinear(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var matrix = Floats(node, 1, "matrix");
        var isTransposed = node.Operator == "Gemm" && node.Integer("transB", 0) != 0;
        var features = x.Signal.Shape.Channels;
        if (x.Signal.Shape is not (_, 1, 1) || x.Layout == GraphLayout.ChannelsFirst || matrix.Shape is not [var rows, var columns]
            || (isTransposed ? columns : rows) != features || rows * (long)columns == 0
            || (node.Operator == "Gemm"
                && (node.Integer("transA", 0) != 0 || node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1)))
        {
            throw node.Refuse(
                $"has a matrix shaped {ErrorText.Shape(matrix.Shape)} for images of {x.Signal.Shape}",
                "[classes, features] times the features, as they are");
        }

        var classes = isTransposed ? rows : columns;
        var bias = node.Operator == "Gemm" ? Bias(node, classes) : null;
        var values = isTransposed ? _budget.Copy(matrix.Floats.Span) : Transposed(matrix.Floats.Span, rows, columns);
        Add(output, new Operation.Linear(node, new Signal(new ImageShape(classes, 1, 1)), values, bias), GraphLayout.Flat, x);
    }

    private float[] Transposed(ReadOnlySpan<float> matrix, int rows, int columns)
    {
        var transposed = _budget.New(matrix.Length);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                transposed[column * rows + row] = matrix[row * columns + column];
            }
        }

        return transposed;
    }

    // A constant as one value per channel, or one per channel and pixel, channels first.
    private (float[] Values, bool IsPerPixel) Spread(GraphNode node, GraphConstant constant, GraphValue x)
    {
        var (channels, height, width) = x.Signal.Shape;
        var values = constant.Floats.Span;
        if (values.Length == 1)
        {
            var one = _budget.New(channels);
            Array.Fill(one, values[0]);
            return (one, false);
        }

        // The trailing dimensions that broadcasting lays over [channels, height, width], or [height, width, channels].
        var rank = x.Layout == GraphLayout.Flat ? 1 : 3;
        var shape = constant.Shape.Skip(Math.Max(0, constant.Shape.Length - rank)).ToList();
        shape.InsertRange(0, Enumerable.Repeat(1, rank - Math.Min(rank, shape.Count)));
        if (values.Length == shape.Aggregate(1L, (product, size) => product * size))
        {
            var isLast = x.Layout == GraphLayout.ChannelsLast;
            int[] perChannel = rank == 1 ? [channels] : isLast ? [1, 1, channels] : [channels, 1, 1];
            int[] perPixel = isLast ? [height, width, channels] : [channels, height, width];
            if (shape.SequenceEqual(perChannel))
            {
                return (_budget.Copy(values), false);
            }

            if (rank == 3 && shape.SequenceEqual(perPixel))
            {
                return (isLast ? Transposed(values, height * width, channels) : _budget.Copy(values), true);
            }
        }

        throw node.Refuse(
            $"computes with a constant shaped {ErrorText.Shape(constant.Shape)} on images of {x.Signal.Shape}",
            "one value, one for each channel, or one for each channel and pixel");
    }

    private readonly record struct SliceParts(int Top, int Bottom, int Down, int Left, int Right, int Across);
}
