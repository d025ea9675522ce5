using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// The weights of a network as a step reads them, and their gradients: one block of floats, which the optimizer reads. Filters are copied
/// in the type of activations, once a step.
/// </summary>
internal sealed unsafe class StepWeights : IDisposable
{
    private readonly ActivationKernels _filterKernels; // of values one after another, of any number
    private readonly ActivationKernels _floatKernels;
    private readonly Tensor _gradients;
    private readonly Entry[] _entries;
    private readonly int[] _layers; // by weight, the layer that it belongs to
    private int[] _exchanged;
    private readonly float[] _part; // the sum over this process's slices; empty where there is one process

    /// <param name="network">The network, whose tensors are read.</param>
    /// <param name="ranks">The processes, over whose slices gradients are added up.</param>
    /// <param name="syncs">Whether the statistics of batch normalization are those over all processes.</param>
    public StepWeights(ResidualNetwork network, ICollective ranks, bool syncs = true)
    {
        ExchangesNormalizations = ranks.Size > 1 && !syncs;
        using var scope = NewDisposeScope();
        var rounded = network.ActivationType == ScalarType.BFloat16;
        var lanes = ActivationKernels.WidestLanes;
        (_filterKernels, _floatKernels) = (ActivationKernels.For(rounded, lanes), ActivationKernels.For(bfloat16: false, lanes));
        var weights = network.Plan.Weights;
        var filters = network.Plan.Layers.OfType<ConvolutionLayer>().Where(layer => !layer.HasBias).Select(layer => layer.Weights[0].Name)
            .ToHashSet();
        _gradients = TensorFactory.OnCpu.Zeros([weights.Where(weight => weight.IsParameter).Sum(weight => (long)weight.Size)], VectorType)
            .DetachFromDisposeScope();
        _entries = new Entry[weights.Length];

        // Those of normalizations come last: every process knows them already, where it knows the sums over all.
        var offset = 0L;
        var measures = !network.KeepsStatistics;
        foreach (var i in Enumerable.Range(0, weights.Length).OrderBy(i => measures && IsNormalization(weights[i])))
        {
            var (weight, tensor) = (weights[i], network[weights[i].Name]);
            var isFilter = filters.Contains(weight.Name);
            _entries[i] = new Entry
            {
                Tensor = tensor,
                Values = (float*)TorchScript.Data(tensor.Handle),
                Size = weight.Size,
                IsFilter = isFilter,
                IsNormalization = measures && IsNormalization(weight),
                Offset = (nint)offset,
                Copy = isFilter && rounded ? tensor.detach().to(ScalarType.BFloat16).DetachFromDisposeScope() : null,
                Gradient = weight.IsParameter ? View(weight, offset).DetachFromDisposeScope() : null,
                GradientValues = weight.IsParameter ? (float*)TorchScript.Data(_gradients.Handle) + offset : null,
            };
            offset += weight.IsParameter ? weight.Size : 0;
        }

        _layers = [.. network.Plan.Layers.Index().SelectMany(each => each.Item.Weights.Select(_ => each.Index))];
        _exchanged = [.. Exchanged];
        _part = ranks.Size == 1 ? [] : GC.AllocateArray<float>(_exchanged.Sum(Size), pinned: true);
        Gradients = [.. _entries.Where(entry => entry.Gradient is not null).Select(entry => entry.Gradient!)];
        TrainedGradients = [.. Gradients];
    }

    /// <summary>Gets how many layers, from the image on, are frozen: their weights have no gradient.</summary>
    public int FrozenLayers { get; private set; }

    /// <summary>Gets the gradients, in the order of the network's parameters.</summary>
    public Tensor[] Gradients { get; }

    /// <summary>Gets the same, with null for those of frozen layers.</summary>
    public Tensor?[] TrainedGradients { get; private set; }

    private const ScalarType VectorType = StepProgram.VectorType;

    /// <summary>Gets the handle of a weight as Torch's operations read it: filters in the type of activations, the rest floats.</summary>
    /// <param name="weight">The weight's place in the plan's.</param>
    public nint Handle(int weight) => (_entries[weight].Copy ?? _entries[weight].Tensor).Handle;

    /// <summary>Gets where the floats of a weight lie.</summary>
    public float* Values(int weight) => _entries[weight].Values;

    /// <summary>Gets where a normalization writes the gradient of its weight.</summary>
    public float* GradientValues(int weight) =>
        ExchangesNormalizations ? Part + _entries[weight].Offset : _entries[weight].GradientValues;

    /// <summary>Copies one worker's share of all filters, rounded.</summary>
    public void Round(int worker, int workers)
    {
        foreach (var entry in _entries)
        {
            if (entry.Copy is not null)
            {
                var (start, end) = Share(entry.Size, worker, workers);
                var target = (ushort*)TorchScript.Data(entry.Copy.Handle) + start;
                _filterKernels.Round(entry.Values + start, target, end - start);
            }
        }
    }

    /// <summary>Gets the places of the weights whose gradients are added up over the slices.</summary>
    public IEnumerable<int> Exchanged =>
        Enumerable.Range(0, _entries.Length)
            .Where(i => _entries[i].Gradient is not null && _layers[i] >= FrozenLayers)
            .Where(i => ExchangesNormalizations || !_entries[i].IsNormalization);

    /// <summary>Gets whether each process has its own gradients of normalizations' weights: they are written to <see cref="Part"/>.
    /// </summary>
    public bool ExchangesNormalizations { get; }

    /// <summary>Freezes layers, from the image on.</summary>
    public void Freeze(int layers)
    {
        FrozenLayers = layers;
        _exchanged = [.. Exchanged];
        TrainedGradients =
        [
            .. Enumerable.Range(0, _entries.Length).Where(i => _entries[i].Gradient is not null)
                .Select(i => _layers[i] < layers ? null : _entries[i].Gradient),
        ];
    }

    /// <summary>Gets where the sums over this process's slices lie, where there are several processes.</summary>
    public float* Part => (float*)Unsafe.AsPointer(ref _part[0]); // pinned

    /// <summary>Gets where the gradients of all weights lie.</summary>
    public float* Total => (float*)TorchScript.Data(_gradients.Handle);

    /// <summary>Gets the place of a weight's gradient among those of all.</summary>
    public int Offset(int weight) => (int)_entries[weight].Offset;

    /// <summary>Gets the values of a weight.</summary>
    public int Size(int weight) => (int)_entries[weight].Size;

    /// <summary>Adds up one worker's share of the gradients of all slices, in the order of the workers.</summary>
    /// <param name="workers">The workers.</param>
    /// <param name="worker">The one that adds up.</param>
    /// <param name="accumulates">Whether they are added to the gradients of the batch before.</param>
    public void AddUp(StepWorker[] workers, int worker, bool accumulates)
    {
        foreach (var weight in _exchanged)
        {
            AddUp(workers, worker, weight, _entries[weight].GradientValues, accumulates);
        }
    }

    /// <summary>Adds up one worker's share of the gradient of a weight into <see cref="Part"/>. That of a normalization is there already.
    /// </summary>
    public void AddUp(StepWorker[] workers, int worker, int weight)
    {
        if (!_entries[weight].IsNormalization)
        {
            AddUp(workers, worker, weight, Part + _entries[weight].Offset, accumulates: false);
        }
    }

    /// <summary>Gets whether a weight is of a normalization by the batch's statistics, whose workers add up its gradient themselves.
    /// </summary>
    public bool IsNormalization(int weight) => _entries[weight].IsNormalization;

    public void Dispose()
    {
        foreach (var entry in _entries)
        {
            entry.Copy?.Dispose();
            entry.Gradient?.Dispose();
        }

        _gradients.Dispose();
    }

    private void AddUp(StepWorker[] workers, int worker, int weight, float* target, bool accumulates)
    {
        var parts = stackalloc void*[workers.Length];
        for (var w = 0; w < workers.Length; w++)
        {
            parts[w] = workers[w].WeightGradient(weight);
        }

        var entry = _entries[weight];
        var (start, end) = Share(entry.Size, worker, workers.Length);
        var kernels = entry.IsFilter ? _filterKernels : _floatKernels;
        kernels.AddUp(parts, workers.Length, start, end, target, accumulates);
    }

    // With the strides of the weight: filters are channels-last.
    private Tensor View(WeightSpec weight, long offset)
    {
        var flat = _gradients.narrow(0, offset, weight.Size);
        return weight.Role == WeightRole.ConvolutionWeight
            ? flat.view(weight.Shape[0], weight.Shape[2], weight.Shape[3], weight.Shape[1]).permute(0, 3, 1, 2)
            : flat.view([.. weight.Shape.Select(size => (long)size)]);
    }

    private static bool IsNormalization(WeightSpec weight) => weight.Role is WeightRole.BatchNormWeight or WeightRole.BatchNormBias;

    private static (nint Start, nint End) Share(nint size, int worker, int workers) =>
        (size * worker / workers, size * (worker + 1) / workers);

    private sealed class Entry
    {
        public required Tensor Tensor { get; init; }

        public required float* Values { get; init; }

        public required nint Size { get; init; }

        public required bool IsFilter { get; init; }

        public required bool IsNormalization { get; init; }

        /// <summary>Gets the place of its gradient among those of all weights.</summary>
        public required nint Offset { get; init; }

        public required Tensor? Copy { get; init; }

        public required Tensor? Gradient { get; init; }

        public required float* GradientValues { get; init; }
    }
}
