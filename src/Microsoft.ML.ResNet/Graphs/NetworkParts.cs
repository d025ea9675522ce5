using System.Collections.Immutable;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>
/// The parts of a network as a graph's walk finds them, under PyTorch's names; and the architecture that they come to, whose plan every
/// part is held against.
/// </summary>
internal sealed partial class NetworkParts
{
    private const int MostStages = 12; // each doubles the width and halves the image
    private const int MostBlocks = 1 << 13;

    // With ε, exactly 1 in float32.
    private const float UnitVariance = 1 - BatchNormLayer.Epsilon;

    private readonly ImmutableArray<int> _channelOrder;
    private readonly ValueBudget _budget;
    private readonly Dictionary<string, (RecognizedTensor Tensor, GraphNode Node)> _tensors = [];
    private readonly Dictionary<string, Operation.Convolution> _convolutions = [];
    private readonly List<int> _depths = [];
    private readonly List<(string Name, Operation.Convolution Convolution, bool IsNormalized, IReadOnlyList<Operation> Normalization)>
        _projections = [];

    private int _kernels, _classes;
    private bool _isPooled, _hasPooledShortcut, _hasPaddedIdentity, _hasProjection, _projectsAlways;
    private int _squeezeReduction;

    /// <param name="channelOrder">The order in which the network gets the channels of images: its first filters are turned around with
    /// it.</param>
    /// <param name="budget">Room for what is computed.</param>
    public NetworkParts(ImmutableArray<int> channelOrder, ValueBudget budget)
    {
        _channelOrder = channelOrder;
        _budget = budget;
    }

    public StemKind Stem { get; set; }

    public int BaseWidth { get; set; }

    public bool HasIdentity { get; set; }

    /// <summary>Gets the name of something in the block that was begun last.</summary>
    public string InBlock(string name) => $"layer{_depths.Count}.{_depths[^1] - 1}.{name}";

    /// <summary>Gets the name of something in the stage that was begun last.</summary>
    public string InStage(string name) => $"layer{_depths.Count}.{name}";

    public void BeginBlock(int stride)
    {
        if (_depths.Count == 0 || stride != 1)
        {
            BeginStage();
        }

        _depths[^1]++;
        if (_depths[^1] > MostBlocks)
        {
            throw new InvalidDataException($"its graph has more than {MostBlocks:n0} blocks in a stage");
        }
    }

    public void BeginPooledStage()
    {
        _isPooled = true;
        BeginStage();
    }

    /// <summary>Says how many convolutions a block has: 2 or 3, in every block as many.</summary>
    public void SetKernels(GraphNode node, int count)
    {
        if (count is not (2 or 3) || (_kernels != 0 && _kernels != count))
        {
            throw node.Refuse($"begins a block of {count} convolutions", $"{(_kernels == 0 ? "2 or 3" : _kernels)} in every block");
        }

        _kernels = count;
    }

    public void CheckKernel(Operation pool, int expected)
    {
        var kernel = pool is Operation.MaxPool max ? max.Kernel : ((Operation.AveragePool)pool).Kernel;
        if (kernel != expected)
        {
            throw pool.Node.Refuse($"has a kernel of {kernel}", $"{expected}");
        }
    }

    public void CheckNoBias(Operation.Convolution convolution)
    {
        if (convolution.Bias is { } bias && bias.Span.ContainsAnyExcept(0f))
        {
            throw convolution.Node.Refuse(
                "has a bias and no normalization after it", "none: the last convolution of a block with pre-activation only multiplies");
        }
    }

    public void AddConvolution(string name, Operation.Convolution convolution)
    {
        var filters = convolution.Filters;
        var values = _convolutions.Count == 0 ? Reordered(filters) : filters.Floats;
        _convolutions[name] = convolution;
        Add($"{name}.weight", filters.Shape, values, convolution.Node);
    }

    /// <summary>Adds a normalization, from what the graph has of one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="node">Where it is.</param>
    /// <param name="channels">Of how many channels.</param>
    /// <param name="source">The convolution before it, whose bias becomes part of it; null for none.</param>
    /// <param name="found">What the graph has: one normalization as a rule, factors and sums, or nothing where it is folded.</param>
    public void AddNormalization(
        string name, GraphNode node, int channels, Operation.Convolution? source, IReadOnlyList<Operation> found)
    {
        var bias = source?.Bias;
        if (found is [Operation.Normalization only])
        {
            var mean = bias is { } shift ? Difference(only.Mean.Span, shift.Span) : only.Mean;
            AddNormalization(name, only.Node, channels, only.Scale, only.Shift, mean, only.Variance);
            return;
        }

        // γ·x + β, with a running mean of 0 and a deviation of 1.
        var (scale, sum) = (Filled(channels, 1), _budget.New(channels));
        bias?.CopyTo(sum);
        foreach (var operation in found)
        {
            Compose(operation, scale, sum);
        }

        AddNormalization(
            name, found.Count > 0 ? found[0].Node : node, channels, scale, sum, _budget.New(channels), Filled(channels, UnitVariance));
    }

    public void AddExcitation(Operation.Convolution squeeze, Operation.Convolution excite)
    {
        _squeezeReduction = excite.Outputs / squeeze.Outputs;
        foreach (var (name, convolution) in (ReadOnlySpan<(string, Operation.Convolution)>)[("se.fc1", squeeze), ("se.fc2", excite)])
        {
            AddConvolution(InBlock(name), convolution);
            Add(InBlock($"{name}.bias"), [convolution.Outputs], convolution.Bias ?? _budget.New(convolution.Outputs), convolution.Node);
        }
    }

    public void AddProjection(Operation.Convolution convolution, bool isNormalized, bool isPooled, IReadOnlyList<Operation> normalization)
    {
        _hasProjection = true;
        _hasPooledShortcut |= isPooled;
        _projections.Add((InBlock("downsample"), convolution, isNormalized, normalization));
        _projectsAlways |= convolution.Stride == 1 && !isPooled && convolution.Outputs == convolution.Filters.Shape[1];
    }

    public void AddPaddedIdentity(IReadOnlyList<Operation> operations)
    {
        var (down, across, padding) = (1, 1, default(Operation.PadChannels));
        foreach (var operation in operations)
        {
            switch (operation)
            {
                case Operation.Subsample subsample when padding is null:
                    down *= subsample.Height;
                    across *= subsample.Width;
                    break;
                case Operation.PadChannels pad when padding is null:
                    padding = pad;
                    break;
                default:
                    throw operation.Node.Refuse("follows the padding of a shortcut", "the addition");
            }
        }

        _hasPaddedIdentity = true;
        if (down != across || down is not (1 or 2) || padding is null || padding.After - padding.Before is not (0 or 1))
        {
            throw operations[^1].Node.Refuse(
                "is a shortcut that takes or adds others",
                "every second pixel down and across, and channels of zeros, as many before as after");
        }
    }

    public void AddHead(GraphNode node, int classes, ReadOnlyMemory<float> matrix, ReadOnlyMemory<float>? bias)
    {
        _classes = classes;
        Add(LayerPlan.HeadWeight, [classes, matrix.Length / classes], matrix, node);
        Add(LayerPlan.HeadBias, [classes], bias ?? _budget.New(classes), node);
    }

    private void BeginStage()
    {
        _depths.Add(0);
        if (_depths.Count > MostStages)
        {
            throw new InvalidDataException($"its graph has more than {MostStages} stages, each half as large as the one before");
        }
    }

    private void Add(string name, ImmutableArray<int> shape, ReadOnlyMemory<float> values, GraphNode node)
    {
        if (!_tensors.TryAdd(name, (new RecognizedTensor(name, shape, values), node)))
        {
            throw node.Refuse($"would be a second {ErrorText.Quote(name)}", "one");
        }
    }

    private void AddNormalization(
        string name,
        GraphNode node,
        int channels,
        ReadOnlyMemory<float> scale,
        ReadOnlyMemory<float> shift,
        ReadOnlyMemory<float> mean,
        ReadOnlyMemory<float> variance)
    {
        Add($"{name}.weight", [channels], scale, node);
        Add($"{name}.bias", [channels], shift, node);
        Add($"{name}.running_mean", [channels], mean, node);
        Add($"{name}.running_var", [channels], variance, node);
    }

    private static void Compose(Operation operation, float[] scale, float[] shift)
    {
        for (var channel = 0; channel < scale.Length; channel++)
        {
            var (factor, sum) = (0f, 0f);
            switch (operation)
            {
                case Operation.Affine affine:
                    (factor, sum) = (affine.Scale[channel], affine.Shift[channel]);
                    break;
                case Operation.Normalization normalization:
                    factor = normalization.Scale.Span[channel]
                        / MathF.Sqrt(normalization.Variance.Span[channel] + BatchNormLayer.Epsilon);
                    sum = normalization.Shift.Span[channel] - normalization.Mean.Span[channel] * factor;
                    break;
            }

            (scale[channel], shift[channel]) = (scale[channel] * factor, shift[channel] * factor + sum);
        }
    }

    // The network gets the channels in another order than images have them: filters [out, in, k, k] by their second dimension.
    private ReadOnlyMemory<float> Reordered(GraphConstant filters)
    {
        if (filters.Shape[1] != _channelOrder.Length || _channelOrder.SequenceEqual(Enumerable.Range(0, _channelOrder.Length)))
        {
            return filters.Floats;
        }

        return Reordered(filters.Floats.Span, filters.Shape[1], filters.Shape[2] * filters.Shape[3], _channelOrder, _budget);
    }

    /// <summary>Turns filters around to read channels in another order.</summary>
    /// <param name="filters">Filters of [outputs, inputs, size].</param>
    /// <param name="inputs">How many channels they read.</param>
    /// <param name="size">The pixels of a filter.</param>
    /// <param name="sources">Which channel of the images stood at each place.</param>
    /// <param name="budget">Room for them.</param>
    public static float[] Reordered(
        ReadOnlySpan<float> filters, int inputs, int size, ImmutableArray<int> sources, ValueBudget budget)
    {
        var turned = budget.New(filters.Length);
        for (var filter = 0; filter < filters.Length / size; filter++)
        {
            var (output, input) = (filter / inputs, filter % inputs);
            filters.Slice(filter * size, size).CopyTo(turned.AsSpan((output * inputs + sources[input]) * size));
        }

        return turned;
    }

    private float[] Difference(ReadOnlySpan<float> mean, ReadOnlySpan<float> bias)
    {
        var difference = _budget.New(mean.Length);
        for (var i = 0; i < difference.Length; i++)
        {
            difference[i] = mean[i] - bias[i];
        }

        return difference;
    }

    private float[] Filled(int count, float value)
    {
        var values = _budget.New(count);
        Array.Fill(values, value);
        return values;
    }
}
