using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>One worker's part of a step: its slice of the batch, the values and gradients of its layers, and the memory for them.</summary>
/// <param name="program">What is computed.</param>
/// <param name="team">The workers.</param>
/// <param name="index">The worker's number.</param>
/// <param name="capacity">The most images of a slice.</param>
internal sealed unsafe class StepWorker(StepProgram program, WorkerTeam team, int index, int capacity) : IDisposable
{
    private readonly StepTensor[] _values = new StepTensor[program.Plan.Layers.Length];
    private readonly (StepTensor First, StepTensor Second)[] _gradients = new (StepTensor, StepTensor)[program.Plan.Layers.Length];
    private readonly (StepTensor Tensor, nint Data)[] _weightGradients = new (StepTensor, nint)[program.Plan.Weights.Length];
    private readonly Dictionary<(ImageShape Shape, ScalarType Type, bool IsBrief), Stack<StepBuffer>> _free = [];
    private readonly List<StepBuffer> _buffers = [];
    private ConvolutionOperation? _postponed;

    /// <summary>Gets the worker's number.</summary>
    public int Index => index;

    /// <summary>Gets the team.</summary>
    public WorkerTeam Team => team;

    /// <summary>Gets the batch that is trained on.</summary>
    public StepBatch Batch { get; private set; } = null!;

    /// <summary>Gets the place of the slice's first image in the batch.</summary>
    public int First { get; private set; }

    /// <summary>Gets the images of the slice.</summary>
    public int Images { get; private set; }

    /// <summary>Gets the sum of the losses, each with its share of the batch's mean.</summary>
    public double Loss { get; set; }

    /// <summary>Gets the number of images whose class has the largest logit.</summary>
    public int Correct { get; set; }

    /// <summary>Begins a step.</summary>
    public void Begin(StepBatch batch)
    {
        Batch = batch;
        var (slice, slices) = ((long)team.Ranks.Rank * team.Count + index, team.Ranks.Size * team.Count);
        First = (int)(batch.Count * slice / slices);
        Images = (int)(batch.Count * (slice + 1) / slices) - First;
        (Loss, Correct) = (0, 0);
    }

    /// <summary>Gets the value of a layer.</summary>
    public StepTensor this[int layer] => _values[layer];

    /// <summary>Takes memory for a value; what is in it is undefined.</summary>
    /// <param name="shape">The shape of an image's value.</param>
    /// <param name="type">The type of its numbers.</param>
    /// <param name="isBrief">Whether it is freed soon. Such memory is not given to others: it stays in the caches.</param>
    public StepTensor New(ImageShape shape, ScalarType type, bool isBrief = false)
    {
        if (!_free.TryGetValue((shape, type, isBrief), out var free))
        {
            _free[(shape, type, isBrief)] = free = new Stack<StepBuffer>();
        }

        if (!free.TryPop(out var buffer))
        {
            _buffers.Add(buffer = new StepBuffer(shape, type, capacity, isBrief));
        }

        return buffer.Of(Images);
    }

    /// <summary>Takes memory for an activation.</summary>
    public StepTensor New(ImageShape shape, bool isBrief = false) => New(shape, program.ActivationType, isBrief);

    /// <summary>Gives memory back.</summary>
    public void Free(StepTensor tensor)
    {
        if (tensor.Own is { } buffer)
        {
            _free[(buffer.Shape, buffer.Type, buffer.IsBrief)].Push(buffer);
        }
        else if (tensor.Exists)
        {
            TorchScript.Free(tensor.Handle);
        }
    }

    /// <summary>Sets the value of a layer.</summary>
    public void Set(int layer, StepTensor value) => _values[layer] = value;

    /// <summary>Gets the value of a layer, which is the caller's from now on.</summary>
    public StepTensor Take(int layer)
    {
        var value = _values[layer];
        _values[layer] = default;
        return value;
    }

    /// <summary>Frees the value of a layer that no gradient needs any more.</summary>
    public void FreeValue(int layer) => Free(Take(layer));

    /// <summary>Frees the values of some layers.</summary>
    public void FreeValues(int[] layers)
    {
        foreach (var layer in layers)
        {
            FreeValue(layer);
        }
    }

    /// <summary>Adds to the gradient of a layer's value.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="gradient">The gradient, which is the worker's from now on.</param>
    /// <remarks>That of a frozen layer is freed: nothing needs it.</remarks>
    public void AddGradient(int layer, StepTensor gradient)
    {
        if (layer < program.FrozenLayers)
        {
            Free(gradient);
            return;
        }

        ref var of = ref _gradients[layer];
        if (!of.First.Exists)
        {
            of.First = gradient;
        }
        else if (!of.Second.Exists)
        {
            of.Second = gradient;
        }
        else
        {
            AddTo(layer, of.First, gradient);
        }
    }

    /// <summary>Takes the gradient of a layer's value, which is the sum of one or two tensors; the second is nothing where there is one.
    /// </summary>
    public (StepTensor First, StepTensor Second) TakeGradients(int layer)
    {
        var gradients = _gradients[layer];
        _gradients[layer] = default;
        return gradients;
    }

    /// <summary>Gets the gradient of a layer's value.</summary>
    public StepTensor Gradient(int layer)
    {
        ref var of = ref _gradients[layer];
        if (of.Second.Exists)
        {
            AddTo(layer, of.First, of.Second);
            of.Second = default;
        }

        return of.First;
    }

    /// <summary>Takes the gradient of a layer's value.</summary>
    public StepTensor TakeGradient(int layer)
    {
        var gradient = Gradient(layer);
        _gradients[layer] = default;
        return gradient;
    }

    /// <summary>Leaves the gradient of a convolution's filters for the next time that this worker would wait for others, or for the next
    /// operation that does not wait.</summary>
    public void Postpone(ConvolutionOperation convolution) => _postponed = convolution;

    /// <summary>Computes what was postponed.</summary>
    public void DoPostponed()
    {
        var postponed = _postponed;
        _postponed = null;
        postponed?.BackwardOfFilters(this);
    }

    /// <summary>Keeps a gradient of weights, of this slice, until those of all slices are added up.</summary>
    /// <param name="weight">The weight's place in the plan's.</param>
    /// <param name="gradient">The gradient, which is the worker's from now on.</param>
    public void SetWeightGradient(int weight, StepTensor gradient) => _weightGradients[weight] = (gradient, (nint)gradient.Data);

    /// <summary>As above, for a gradient in memory that stays the caller's, who leaves it as it is until the step's end.</summary>
    public void SetWeightGradient(int weight, void* gradient) => _weightGradients[weight] = (default, (nint)gradient);

    /// <summary>Gets where the gradient lies that was kept of a weight.</summary>
    public void* WeightGradient(int weight) => (void*)_weightGradients[weight].Data;

    /// <summary>Frees what a step has left: values, gradients of weights, and all that a step that failed was about to use.</summary>
    public void End()
    {
        _postponed = null;
        for (var layer = 0; layer < _values.Length; layer++)
        {
            FreeValue(layer);
            var (first, second) = TakeGradients(layer);
            Free(first);
            Free(second);
        }

        foreach (ref var gradient in _weightGradients.AsSpan())
        {
            Free(gradient.Tensor);
            gradient = default;
        }
    }

    public void Dispose()
    {
        End();
        foreach (var buffer in _buffers)
        {
            buffer.Dispose();
        }
    }

    private void AddTo(int layer, StepTensor sum, StepTensor part)
    {
        program.KernelsOf(layer).AddGradient(sum.Data, part.Data, null, null, null, Images, program.Plan.Layers[layer].Output.Size);
        Free(part);
    }
}
