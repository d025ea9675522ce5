using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>
/// A network in Torch: the tensors of its state dictionary, and a forward pass that walks the plan once.
/// </summary>
/// <remarks>
/// Activations and filters are channels-last, which the CPU's convolutions want. With <see cref="TrainingPrecision.BFloat16"/> convolutions
/// read bfloat16 copies of float32 weights; statistics, gradients and updates stay float32. A product of two bfloat16 numbers is exact in
/// float32, and sums are float32 either way, so that a CPU that multiplies floats faster computes the same from rounded values in float32,
/// but for the order of the sums. Not an nn.Module: a module per layer would walk a tree at every step, and TorchSharp's BatchNorm
/// frees its tensors in a finalizer.
/// </remarks>
internal sealed class ResidualNetwork : IDisposable
{
    // Torch's two numbers for kernels, strides and paddings, down and across, which are the same: made once, not in every layer of every
    // step.
    private static readonly long[][] Squares = [[0, 0], [1, 1], [2, 2], [3, 3]];

    // TorchSharp passes numbers by a handle that their finalizer frees, even while they are in use: one that is always referenced is safe,
    // and so is one that is disposed of afterwards.
    private static readonly TorchSharp.Scalar One = 1;

    private readonly LayerPlan _plan;
    private readonly ScalarType _convolutionType;
    private readonly ScalarType _productType;
    private readonly ConvolutionCheck _check;
    private readonly ConvolutionVerdict?[] _convolutions; // by layer
    private readonly Dictionary<string, Tensor> _tensors;
    private readonly Tensor?[] _values; // of a pass: the results of layers, by layer

    /// <param name="plan">The network.</param>
    /// <param name="weights">Its weights, which are copied.</param>
    /// <param name="precision">The type that convolutions compute in; not Auto.</param>
    /// <param name="check">What finds how each convolution is computed; null for the one that networks share.</param>
    /// <param name="tensors">Makes its tensors; null for the CPU.</param>
    public ResidualNetwork(
        LayerPlan plan,
        ResNetWeights weights,
        TrainingPrecision precision,
        ConvolutionCheck? check = null,
        TensorFactory? tensors = null)
    {
        _plan = plan;
        Tensors = tensors ?? TensorFactory.OnCpu;
        _convolutionType = precision == TrainingPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        _productType = Tensors.IsOnCpu ? ProductTypeOf(precision) : _convolutionType;
        _check = check ?? ConvolutionCheck.Shared;
        _convolutions = [.. plan.Layers.Select(layer => layer is ConvolutionLayer convolution ? VerdictOn(convolution) : null)];
        _tensors = plan.Weights.ToDictionary(spec => spec.Name, spec => ToTorch(spec, weights[spec.Name], Tensors));
        _values = new Tensor?[plan.Layers.Length];
        Parameters = [.. plan.Weights.Where(spec => spec.IsParameter).Select(spec => _tensors[spec.Name])];
    }

    /// <summary>Gets what makes tensors on the network's device.</summary>
    public TensorFactory Tensors { get; }

    /// <summary>Gets the tensors that training changes, in the order of the plan.</summary>
    public Tensor[] Parameters { get; }

    /// <summary>Gets all tensors, statistics included, under their names and in the order of the plan.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State =>
        _plan.Weights.Select(spec => KeyValuePair.Create(spec.Name, _tensors[spec.Name]));

    /// <summary>Gets the network's layers.</summary>
    public LayerPlan Plan => _plan;

    /// <summary>Gets the type that activations are rounded to.</summary>
    public ScalarType ActivationType => _convolutionType;

    /// <summary>Gets the type that convolutions multiply in.</summary>
    public ScalarType ProductType => _productType;

    /// <summary>Gets what finds how each convolution is computed.</summary>
    public ConvolutionCheck Check => _check;

    /// <summary>Gets a tensor by its name.</summary>
    public Tensor this[string name] => _tensors[name];

    /// <summary>
    /// Gets or sets how many layers, from the image on, keep their weights and statistics: no gradient is computed for them.
    /// </summary>
    /// <value>The default is 0: none.</value>
    public int FrozenLayers { get; set; }

    /// <summary>Gets whether batch normalization uses its running statistics in training too, and leaves them as they are.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool KeepsStatistics { get; init; }

    /// <summary>Gets or sets the share of a batch's own statistics that each training pass moves the running statistics by.</summary>
    /// <value>The default is 0.1, as PyTorch's.</value>
    public double BatchNormMomentum { get; set; } = 0.1;

    /// <summary>Gets or sets what skips blocks in training.</summary>
    /// <value>The default is <see langword="null"/>: nothing.</value>
    public StochasticDepth? StochasticDepth { get; set; }

    /// <summary>Gets the type that convolutions multiply in on this CPU.</summary>
    public static ScalarType ProductTypeOf(TrainingPrecision precision) =>
        precision == TrainingPrecision.BFloat16 && Processor.MultipliesBFloat16Fast ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Computes logits.</summary>
    /// <param name="images">Normalized images, [batch, channels, height, width], float32, channels-last.</param>
    /// <param name="training">Whether batch normalization uses, and updates its running statistics from, the batch's own; not with
    /// <see cref="KeepsStatistics"/>.</param>
    /// <returns>[batch, classes], float32.</returns>
    public Tensor Forward(Tensor images, bool training)
    {
        if (!training)
        {
            return Run(images, 0, _plan.Layers.Length, training: false);
        }

        return Run(Frozen(images, FrozenLayers), FrozenLayers, _plan.Layers.Length, training: true);
    }

    /// <summary>Computes the features that the head reads, without gradients.</summary>
    /// <param name="images">As in <see cref="Forward"/>.</param>
    /// <returns>[batch, features, 1, 1], float32.</returns>
    public Tensor Features(Tensor images) => Frozen(images, _plan.Layers.Length - 1);

    /// <summary>Computes some of the layers, as they are when the network scores.</summary>
    /// <param name="x">The result of the layer before the first, which is freed as any other; normalized images where there is
    /// none.</param>
    /// <param name="first">The first layer to compute.</param>
    /// <param name="end">The layer after the last one.</param>
    /// <param name="observe">Is shown each layer's result, with the layer's index, before a later layer overwrites it; null for
    /// nobody.</param>
    /// <returns>The last layer's result.</returns>
    public Tensor Compute(Tensor x, int first, int end, Action<int, Tensor>? observe = null) =>
        Run(x, first, end, training: false, observe);

    private Tensor Frozen(Tensor images, int count)
    {
        using var noGradients = no_grad();
        return count == 0 ? images : Run(images, 0, count, training: false);
    }

    // Layers from first up to, not including, end; x is the result of the layer before the first.
    private Tensor Run(Tensor x, int first, int end, bool training, Action<int, Tensor>? observe = null)
    {
        var values = _values;
        if (first > 0)
        {
            values[first - 1] = x;
        }

        for (var i = first; i < end; i++)
        {
            var layer = _plan.Layers[i];
            var result = Apply(i, layer.Inputs.IsEmpty ? x : values[layer.Inputs[0]]!, values, training);
            values[i] = result;
            observe?.Invoke(i, result);

            // Without gradients nothing else holds an activation, so the peak is a few layers and not the whole network. An operation in
            // place has returned its input.
            foreach (var input in layer.Inputs)
            {
                if (_plan.Readers[input][^1] == i && input != 0 && !ReferenceEquals(values[input], result))
                {
                    values[input]!.Dispose();
                }
            }
        }

        var last = values[end - 1]!;
        Array.Clear(values);
        return last;
    }

    /// <summary>Copies the weights out of Torch.</summary>
    public ResNetWeights ToWeights() => new(State.Select(each => each.Value.ToWeight(each.Key)));

    public void Dispose()
    {
        foreach (var tensor in _tensors.Values)
        {
            tensor.Dispose();
        }
    }

    private Tensor Apply(int index, Tensor x, Tensor?[] values, bool training) => _plan.Layers[index] switch
    {
        ImageInputLayer => x,
        ConvolutionLayer convolution => Convolve(convolution, _convolutions[index]!, x, training),
        BatchNormLayer batchNorm => Normalize(batchNorm, x, training),
        ReluLayer => x.relu_(),                                       // in place: it is the only reader of x
        MaxPoolLayer pool => F.max_pool2d(x, Squares[pool.Kernel], Squares[MaxPoolLayer.Stride], Squares[pool.Padding]),
        PaddedIdentityLayer identity => PadIdentity(identity, x),
        AveragePoolLayer => F.avg_pool2d(x, Squares[AveragePoolLayer.Kernel], ceil_mode: true, count_include_pad: false),
        SigmoidLayer => x.sigmoid(),
        ScaleLayer scale => x.mul(values[scale.Inputs[1]]!),
        AddLayer add => Skip(add, x, training).add_(values[add.Inputs[1]]!, One), // in place: it is the only reader of the residual
        GlobalAveragePoolLayer => x.mean([2, 3], keepdim: true, type: ScalarType.Float32),
        LinearLayer linear => F.linear(x.flatten(1), Weight(linear, 0), Weight(linear, 1)),
        var other => throw new InvalidOperationException($"Layer '{other.Name}' of type {other.GetType().Name} has no Torch operator."),
    };

    private ConvolutionVerdict VerdictOn(ConvolutionLayer layer) => Tensors.IsOnCpu
        ? _check.Of(ConvolutionShape.Of(_plan, layer), _productType)
        : ConvolutionVerdict.Unchecked(ConvolutionShape.Of(_plan, layer), _productType);

    private Tensor Convolve(ConvolutionLayer layer, ConvolutionVerdict verdict, Tensor x, bool training)
    {
        var weight = Weight(layer, 0);
        var (images, filters) = (ForConvolution(x), ForConvolution(weight));
        var bias = layer.HasBias ? ForConvolution(Weight(layer, 1)) : null;

        // The two differ in their gradients only.
        var method = verdict.Method == ConvolutionMethod.Narrow && !training ? ConvolutionMethod.Direct : verdict.Method;
        var result = As(_convolutionType, _check.Convolve(method, verdict.Shape, images, filters, bias));

        // Torch keeps the copies that gradients need; their handles would fill the step's scope, whose table grows with them.
        DisposeCopy(images, of: x);
        DisposeCopy(filters, of: weight);
        return result;
    }

    private static void DisposeCopy(Tensor copy, Tensor of)
    {
        if (!ReferenceEquals(copy, of))
        {
            copy.Dispose();
        }
    }

    // Rounded to the type of convolutions, and held in the type that the CPU multiplies in. Gradients come back the same way.
    private Tensor ForConvolution(Tensor x) => As(_productType, As(_convolutionType, x));

    private static Tensor As(ScalarType type, Tensor x) => x.dtype == type ? x : x.to(type);

    private Tensor Normalize(BatchNormLayer layer, Tensor x, bool training) => F.batch_norm(
        x,
        Weight(layer, 2),
        Weight(layer, 3),
        Weight(layer, 0),
        Weight(layer, 1),
        training && !KeepsStatistics,
        BatchNormMomentum,
        BatchNormLayer.Epsilon);

    private Tensor Skip(AddLayer layer, Tensor residual, bool training) =>
        training && StochasticDepth is { } depth ? depth.Apply(layer, residual) : residual;

    private static Tensor PadIdentity(PaddedIdentityLayer layer, Tensor x)
    {
        var step = layer.Stride;
        var strided = step == 1 ? x : x.slice(2, 0, long.MaxValue, step).slice(3, 0, long.MaxValue, step);
        return F.pad(strided, [0, 0, 0, 0, layer.ChannelsBefore, layer.ChannelsAfter]);
    }

    private Tensor Weight(Layer layer, int index) => _tensors[layer.Weights[index].Name];

    private static Tensor ToTorch(WeightSpec spec, WeightTensor weight, TensorFactory tensors)
    {
        if (!weight.Shape.AsSpan().SequenceEqual(spec.Shape.AsSpan()))
        {
            throw new ArgumentException(
                $"Tensor '{spec.Name}' must be shaped [{string.Join(", ", spec.Shape)}], but is [{string.Join(", ", weight.Shape)}].");
        }

        using var scope = NewDisposeScope();
        var tensor = weight.ToTensor();
        if (spec.Role == WeightRole.ConvolutionWeight)
        {
            tensor = tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2); // channels-last strides, which a copy keeps
        }

        return tensors.Here(tensor).requires_grad_(spec.IsParameter).MoveToOuterDisposeScope();
    }
}
