using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// A plan as a list of operations, made once for one shape of images: forward in order, backward in reverse. Layers that are computed
/// together are one operation: a normalization with the addition and the ReLU that follow it.
/// </summary>
internal sealed unsafe class StepProgram : IDisposable
{
    /// <summary>The type of what has one position: features, gates, logits.</summary>
    public const ScalarType VectorType = ScalarType.Float32;

    private readonly ResidualNetwork _network;
    private readonly Func<bool, int, ActivationKernels> _kernelsFor;
    private readonly StepWeights _weights;
    private readonly int _workers;
    private readonly ICollective _ranks;
    private readonly StepMemory _memory = new();
    private readonly bool[] _isVector;            // by layer
    private readonly int[] _firstWeight;          // by layer: the place of its weights among the plan's
    private readonly Dictionary<Layer, int> _additions;

    /// <param name="network">The network, whose statistics are updated.</param>
    /// <param name="plan">Its plan, for the shape of the images.</param>
    /// <param name="weights">Its weights as operations read them, and their gradients.</param>
    /// <param name="kernelsFor">Finds the kernels for a type, whether it is bfloat16, and a number of channels.</param>
    /// <param name="labelSmoothing">The share of each label that is spread over all classes.</param>
    /// <param name="workers">The workers.</param>
    /// <param name="labelSets">The combinations of labels that images have; null where each has one label.</param>
    /// <param name="labelWeights">What labels count; null where all count the same.</param>
    /// <param name="ranks">The processes.</param>
    public StepProgram(
        ResidualNetwork network,
        LayerPlan plan,
        StepWeights weights,
        Func<bool, int, ActivationKernels> kernelsFor,
        double labelSmoothing,
        int workers,
        LabelSets? labelSets,
        LabelWeights? labelWeights,
        ICollective ranks)
    {
        (_network, Plan, _weights, _kernelsFor, _workers, _ranks) = (network, plan, weights, kernelsFor, workers, ranks);
        _isVector = FindVectors(plan);
        _firstWeight = FindWeights(plan);
        _additions = plan.Layers.OfType<AddLayer>().Index().ToDictionary(each => (Layer)each.Item, each => each.Index);

        // Computed where the last of its layers stands, when all that it reads is there.
        var groups = plan.Layers.Select((_, layer) => GroupOf(layer)).Where(group => group is { Count: > 1 }).ToArray();
        var isInGroup = groups.SelectMany(group => group).ToHashSet();
        var byLast = groups.ToDictionary(group => group[^1]);
        var lasts = Enumerable.Range(0, plan.Layers.Length)
            .Where(layer => byLast.ContainsKey(layer) || !isInGroup.Contains(layer)).ToArray();
        FirstTrained = lasts.Count(IsFrozen);
        Operations =
        [
            .. lasts.Select(layer => byLast.TryGetValue(layer, out var group) ? Fused(group) : Single(layer)),
            labelSets is null
                ? new LossOperation(plan.Layers.Length - 1, plan.ClassCount, labelSmoothing)
                : new LabelLossOperation(plan.Layers.Length - 1, labelSets, labelSmoothing, labelWeights),
        ];
        var recomputed = Operations.OfType<NormalizationOperation>().Where(each => each.IsRecomputed)
            .ToLookup(each => plan.Readers[each.Layer].Max());
        NeededAgain = [.. lasts.Select(last => recomputed[last].ToArray()), []];
        var needless = FindNeedless(groups);
        NeededNoMore =
            [.. lasts.Select(last => needless[last].Concat(recomputed[last].Select(each => each.Layer)).ToArray()), []];
    }

    /// <summary>Gets the plan.</summary>
    public LayerPlan Plan { get; }

    /// <summary>Gets the operations, in the order of computation.</summary>
    public ImmutableArray<StepOperation> Operations { get; }

    /// <summary>Gets the first operation of a layer that is trained: there the backward pass ends.</summary>
    public int FirstTrained { get; }

    /// <summary>Gets, for each operation, the layers whose values nothing reads after it in the forward pass: frozen ones, of which the
    /// backward pass reads only the last, and those that it computes again.</summary>
    public ImmutableArray<int[]> NeededNoMore { get; }

    /// <summary>Gets, for each operation, what computes again the values that its gradients need.</summary>
    public ImmutableArray<NormalizationOperation[]> NeededAgain { get; }

    /// <summary>Gets how many layers, from the image on, are frozen.</summary>
    public int FrozenLayers => _weights.FrozenLayers;

    /// <summary>Gets the type of activations.</summary>
    public ScalarType ActivationType => _network.ActivationType;

    /// <summary>Gets the number of additions of shortcuts.</summary>
    public int AdditionCount => _additions.Count;

    /// <summary>Gets the kernels for the values of a layer.</summary>
    public ActivationKernels KernelsOf(int layer) =>
        _kernelsFor(!_isVector[layer] && ActivationType == ScalarType.BFloat16, Plan.Layers[layer].Output.Channels);

    public void Dispose() => _memory.Dispose();

    // The layer, and those after it that are computed with it.
    private List<int> GroupOf(int layer)
    {
        List<int> group = [layer];
        if (Plan.Layers[layer] is BatchNormLayer batchNorm
            && _network.StochasticDepth is null
            && IsOwned(batchNorm.Inputs[0])
            && OnlyReader(layer) is { } addition
            && Plan.Layers[addition] is AddLayer
            && IsFrozen(addition) == IsFrozen(layer))
        {
            group.Add(addition);
        }

        if (Plan.Layers[group[^1]] is BatchNormLayer or AddLayer
            && !IsFusedAddition(layer)
            && OnlyReader(group[^1]) is { } relu
            && Plan.Layers[relu] is ReluLayer
            && IsFrozen(relu) == IsFrozen(layer))
        {
            group.Add(relu);
        }

        return group;
    }

    // Whether the layer is an addition that belongs to the normalization before it.
    private bool IsFusedAddition(int layer) =>
        Plan.Layers[layer] is AddLayer addition
        && Plan.Layers[addition.Inputs[0]] is BatchNormLayer
        && GroupOf(addition.Inputs[0]).Contains(layer);

    private bool IsFrozen(int layer) => layer < FrozenLayers;

    // By the last layer that reads them, the frozen layers that the backward pass does not read. A layer of a group is read where the
    // group's last one stands.
    private ILookup<int, int> FindNeedless(List<int>[] groups)
    {
        var computedAt = Enumerable.Range(0, Plan.Layers.Length).ToArray();
        foreach (var group in groups)
        {
            group.ForEach(layer => computedAt[layer] = group[^1]);
        }

        return Enumerable.Range(0, Math.Max(0, FrozenLayers - 1))
            .ToLookup(layer => Plan.Readers[layer].Max(reader => computedAt[reader]));
    }

    // What was normalized takes one pass to compute again, from what its own gradient reads anyway; to write it to memory and read it back
    // takes longer. A sum with a shortcut would need the shortcut's value again, and that one another.
    private bool IsRecomputed(int layer, int? shortcut) =>
        shortcut is null
        && !IsFrozen(layer)
        && !_isVector[layer]
        && Plan.Readers[layer].All(reader => Plan.Layers[reader] is ConvolutionLayer);

    private int? OnlyReader(int layer) => Plan.Readers[layer] is [var reader] && Plan.Layers[reader].Inputs[0] == layer ? reader : null;

    // A convolution's result that only one layer reads: its memory serves for its gradient.
    private bool IsOwned(int layer) => Plan.Layers[layer] is ConvolutionLayer && Plan.Readers[layer].Length == 1;

    private StepOperation Fused(List<int> group)
    {
        var (first, last) = (group[0], group[^1]);
        var rectifies = Plan.Layers[last] is ReluLayer;
        if (Plan.Layers[first] is BatchNormLayer batchNorm)
        {
            var addition = group.Select(layer => Plan.Layers[layer]).OfType<AddLayer>().SingleOrDefault();
            return Normalization(batchNorm, first, last, addition?.Inputs[1], rectifies);
        }

        return Addition((AddLayer)Plan.Layers[first], last, rectifies);
    }

    private StepOperation Single(int index)
    {
        var layer = Plan.Layers[index];
        var input = layer.Inputs.IsEmpty ? 0 : layer.Inputs[0];
        var shape = Plan.Layers[input].Output;
        return layer switch
        {
            ImageInputLayer => Images(index),
            ConvolutionLayer { HasBias: true } when _isVector[index] => Linear(index, input),
            ConvolutionLayer { HasBias: false } convolution => Convolution(convolution, index, input),
            BatchNormLayer batchNorm => Normalization(batchNorm, index, index, shortcut: null, rectifies: false),
            AddLayer addition => Addition(addition, index, rectifies: false),
            ReluLayer => new AdditionOperation(KernelsOf(index))
            {
                Residual = input, Shortcut = null, Rectifies = true, Addition = null, Layer = index, Shape = layer.Output,
            },
            MaxPoolLayer pool => new MaxPoolOperation(
                Pool(shape, layer.Output, pool.Kernel, pool.Padding), input, index, KernelsOf(index), FloatsOfImages(shape)),
            AveragePoolLayer => new AveragePoolOperation(
                Pool(shape, layer.Output, AveragePoolLayer.Kernel, padding: 0), input, index, KernelsOf(index)),
            PaddedIdentityLayer identity => new PaddedIdentityOperation(identity, shape, index, KernelsOf(index).ElementSize),
            GlobalAveragePoolLayer => new MeanOperation(shape, input, index, KernelsOf(input)),
            SigmoidLayer => new SigmoidOperation(layer.Output.Size, input, index),
            ScaleLayer scale => new GateOperation(layer.Output, input, scale.Inputs[1], index, KernelsOf(index)),
            LinearLayer => Linear(index, input),
            _ => throw new InvalidOperationException(
                $"Layer '{layer.Name}' of type {layer.GetType().Name} has no operation in a compiled step."),
        };
    }

    private ImageOperation Images(int index)
    {
        var type = _isVector[index] ? VectorType : ActivationType;
        var kernels = _kernelsFor(type == ScalarType.BFloat16, ActivationKernels.WidestLanes); // of values one after another
        return new ImageOperation(Plan.Layers[index].Output, type, kernels);
    }

    private ConvolutionOperation Convolution(ConvolutionLayer convolution, int index, int input)
    {
        // For the number of threads of the calling thread, a worker.
        var verdict = _network.Check.Of(ConvolutionShape.Of(Plan, convolution), _network.ProductType);
        var functions = ConvolutionFunctions.Of(verdict, inFloat32: _network.ProductType != ActivationType);
        var weight = _firstWeight[index];
        var passesOn = Plan.Layers[input] is not ImageInputLayer && !IsFrozen(input);
        return new ConvolutionOperation(functions, input, index, weight, _weights.Handle(weight), passesOn);
    }

    private NormalizationOperation Normalization(BatchNormLayer batchNorm, int index, int last, int? shortcut, bool rectifies)
    {
        var weight = _firstWeight[index];
        var parameters = new NormalizationParameters
        {
            Weight = _weights.Values(weight),
            Bias = _weights.Values(weight + 1),
            RunningMean = _weights.Values(weight + 2),
            RunningVariance = _weights.Values(weight + 3),
            WeightGradient = _weights.GradientValues(weight),
            BiasGradient = _weights.GradientValues(weight + 1),
            AreExchanged = _weights.ExchangesNormalizations,
        };
        var ranks = _weights.ExchangesNormalizations ? Alone.Instance : _ranks;
        var memory = new NormalizationMemory(_memory, _workers, batchNorm.Output.Channels, ranks);
        return new NormalizationOperation(parameters, memory, KernelsOf(index), () => _network.BatchNormMomentum)
        {
            Weight = weight,
            Input = batchNorm.Inputs[0],
            OwnsInput = IsOwned(batchNorm.Inputs[0]),
            Shortcut = shortcut,
            Rectifies = rectifies,
            Layer = last,
            Shape = batchNorm.Output,
            KeepsStatistics = _network.KeepsStatistics || IsFrozen(index),
            OverwritesInput = IsFrozen(index) && IsOwned(batchNorm.Inputs[0]),
            IsRecomputed = IsRecomputed(last, shortcut),
        };
    }

    private AdditionOperation Addition(AddLayer addition, int last, bool rectifies) => new(KernelsOf(last))
    {
        Residual = addition.Inputs[0],
        Shortcut = addition.Inputs[1],
        Rectifies = rectifies,
        Addition = IsFrozen(last) ? null : _additions[addition],
        Layer = last,
        Shape = addition.Output,
    };

    private LinearOperation Linear(int index, int input)
    {
        var weight = _firstWeight[index];
        return new LinearOperation(input, index, weight, _weights.Handle(weight), _weights.Handle(weight + 1));
    }

    private float* FloatsOfImages(ImageShape shape) => _memory.Allocate<float>((nint)_workers * shape.Size);

    private static PoolShape Pool(ImageShape shape, ImageShape result, int kernel, int padding) =>
        new(shape.Channels, shape.Height, shape.Width, result.Height, result.Width, kernel, padding);

    // What is computed from means over all positions has one position, and is kept as floats.
    private static bool[] FindVectors(LayerPlan plan)
    {
        var isVector = new bool[plan.Layers.Length];
        for (var i = 0; i < isVector.Length; i++)
        {
            var layer = plan.Layers[i];
            isVector[i] = layer is GlobalAveragePoolLayer
                || (layer.Inputs.Length == 1 && isVector[layer.Inputs[0]])
                || (layer is ImageInputLayer && plan.Layers[1] is LinearLayer); // a head alone
        }

        return isVector;
    }

    private static int[] FindWeights(LayerPlan plan)
    {
        var (first, count) = (new int[plan.Layers.Length], 0);
        for (var i = 0; i < first.Length; i++)
        {
            first[i] = count;
            count += plan.Layers[i].Weights.Length;
        }

        return first;
    }
}
