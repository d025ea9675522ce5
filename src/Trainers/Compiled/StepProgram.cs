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
    private readonly LayerGroups _groups;
    private readonly int[] _firstWeight; // by layer: the place of its weights among the plan's
    private readonly Dictionary<Layer, int> _additions;
    private readonly Func<ConvolutionShape, ScalarType, int?> _tileSide;
    private readonly float*[] _rooms; // by worker

    /// <param name="network">The network, whose statistics are updated.</param>
    /// <param name="plan">Its plan, for the shape of the images.</param>
    /// <param name="weights">Its weights as operations read them, and their gradients.</param>
    /// <param name="kernelsFor">Finds the kernels for a type, whether it is bfloat16, and a number of channels.</param>
    /// <param name="labelSmoothing">The share of each label that is spread over all classes.</param>
    /// <param name="workers">The workers.</param>
    /// <param name="labelSets">The combinations of labels that images have; null where each has one label.</param>
    /// <param name="labelWeights">What labels count; null where all count the same.</param>
    /// <param name="ranks">The processes.</param>
    /// <param name="tileSide">Finds the tiles in which <see cref="WinogradKernels"/> compute a convolution; null where Torch does.</param>
    public StepProgram(
        ResidualNetwork network,
        LayerPlan plan,
        StepWeights weights,
        Func<bool, int, ActivationKernels> kernelsFor,
        double labelSmoothing,
        int workers,
        LabelSets? labelSets,
        LabelWeights? labelWeights,
        ICollective ranks,
        Func<ConvolutionShape, ScalarType, int?> tileSide)
    {
        _tileSide = tileSide;
        (_network, Plan, _weights, _kernelsFor, _workers, _ranks) = (network, plan, weights, kernelsFor, workers, ranks);
        _groups = new LayerGroups(plan, weights.FrozenLayers, fusesAdditions: network.StochasticDepth is null);
        _firstWeight = FindWeights(plan);
        _additions = plan.Layers.OfType<AddLayer>().Index().ToDictionary(each => (Layer)each.Item, each => each.Index);
        _rooms = TakeRooms();
        FirstTrained = _groups.All.Count(group => _groups.IsFrozen(group[^1]));
        Operations =
        [
            .. _groups.All.Select(group => group is [var layer] ? Single(layer) : Fused(group)),
            labelSets is null
                ? new LossOperation(plan.Layers.Length - 1, plan.ClassCount, labelSmoothing)
                : new LabelLossOperation(plan.Layers.Length - 1, labelSets, labelSmoothing, labelWeights),
        ];
        var recomputed = Operations.OfType<NormalizationOperation>().Where(each => each.IsRecomputed)
            .ToLookup(each => _groups.LastReader(each.Layer));
        NeededAgain = [.. _groups.All.Select(group => recomputed[group[^1]].ToArray()), []];
        var ofFrozen = Enumerable.Range(0, Math.Max(0, FrozenLayers - 1)).ToLookup(_groups.LastReader);
        NeededNoMore =
        [
            .. _groups.All.Select(group => ofFrozen[group[^1]].Concat(recomputed[group[^1]].Select(each => each.Layer)).ToArray()),
            [],
        ];
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
        _kernelsFor(!_groups.IsVector(layer) && ActivationType == ScalarType.BFloat16, Plan.Layers[layer].Output.Channels);

    public void Dispose() => _memory.Dispose();

    private StepOperation Fused(ImmutableArray<int> group)
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
            ConvolutionLayer { HasBias: true } when _groups.IsVector(index) => Linear(index, input),
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
        var type = _groups.IsVector(index) ? VectorType : ActivationType;
        var kernels = _kernelsFor(type == ScalarType.BFloat16, ActivationKernels.WidestLanes); // of values one after another
        return new ImageOperation(Plan.Layers[index].Output, type, kernels);
    }

    private ConvolutionOperation Convolution(ConvolutionLayer convolution, int index, int input)
    {
        var shape = ConvolutionShape.Of(Plan, convolution);
        var weight = _firstWeight[index];
        var passesOn = Plan.Layers[input] is not ImageInputLayer && !_groups.IsFrozen(input);
        if (Kernels(shape) is { } kernels)
        {
            var memory = new WinogradMemory(
                _memory, kernels, shape, _weights.Values(weight), passesOn, isTrained: !_groups.IsFrozen(index), _rooms);
            return new WinogradConvolutionOperation(kernels, memory, shape, input, index, weight, passesOn);
        }

        // For the number of threads of the calling thread, a worker.
        var verdict = _network.Check.Of(shape, _network.ProductType);
        var functions = ConvolutionFunctions.Of(verdict, inFloat32: _network.ProductType != ActivationType);
        return new TorchConvolutionOperation(functions, input, index, weight, _weights.Handle(weight), passesOn);
    }

    // Null where Torch computes the convolution.
    private WinogradKernels? Kernels(ConvolutionShape shape) => _tileSide(shape, _network.ProductType) is { } side
        ? WinogradKernels.For(ActivationType == ScalarType.BFloat16, side)
        : null;

    // One of each worker for all operations, which it computes one after the other.
    private float*[] TakeRooms()
    {
        var most = Plan.Layers.Index().Max(each => each.Item switch
        {
            ConvolutionLayer convolution => RoomFor(ConvolutionShape.Of(Plan, convolution)),
            BatchNormLayer => KernelsOf(each.Index).RoomFor(each.Item.Output.Channels),
            _ => 0,
        });
        var rooms = new float*[_workers];
        for (var worker = 0; worker < _workers; worker++)
        {
            rooms[worker] = _memory.Allocate<float>(most);
        }

        return rooms;
    }

    private nint RoomFor(ConvolutionShape shape) =>
        Kernels(shape)?.RoomFor(WinogradConvolutionOperation.Shape(shape, images: 1)) ?? 0;

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
        var memory = new NormalizationMemory(_memory, _workers, batchNorm.Output.Channels, _rooms, ranks);
        return new NormalizationOperation(parameters, memory, KernelsOf(index), () => _network.BatchNormMomentum)
        {
            Weight = weight,
            Input = batchNorm.Inputs[0],
            OwnsInput = _groups.IsOwned(batchNorm.Inputs[0]),
            Shortcut = shortcut,
            Rectifies = rectifies,
            Layer = last,
            Shape = batchNorm.Output,
            KeepsStatistics = _network.KeepsStatistics || _groups.IsFrozen(index),
            OverwritesInput = _groups.IsFrozen(index) && _groups.IsOwned(batchNorm.Inputs[0]),
            IsRecomputed = shortcut is null && _groups.IsRecomputed(last),
        };
    }

    private AdditionOperation Addition(AddLayer addition, int last, bool rectifies) => new(KernelsOf(last))
    {
        Residual = addition.Inputs[0],
        Shortcut = addition.Inputs[1],
        Rectifies = rectifies,
        Addition = _groups.IsFrozen(last) ? null : _additions[addition],
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
