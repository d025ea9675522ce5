using System.Collections.Immutable;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>
/// Reads the nodes of a graph as operations on signals: shapes are followed, constants taken in, and what only moves values between
/// orders of dimensions is left out. Whatever no residual network has is refused by its node's name.
/// </summary>
/// <remarks>
/// Every value must be there before it is read, so there is no circle; every node is visited once.
/// </remarks>
internal sealed partial class OperationReader
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
}
