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
    private readonly ICollective _ranks;
    private readonly int _partSize;
    private readonly float[] _part; // the sum over this process's slices; empty where there is one process

    /// <param name="network">The network, whose tensors are read.</param>
    /// <param name="ranks">The processes, over whose slices gradients are added up.</param>
    public StepWeights(ResidualNetwork network, ICollective ranks)
    {
        _ranks = ranks;
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

        // Those of normalizations come last: every process knows them already, as it knows the sums over all.
        var offset = 0L;
        foreach (var i in Enumerable.Range(0, weights.Length).OrderBy(i => IsNormalization(weights[i])))
        {
            var (weight, tensor) = (weights[i], network[weights[i].Name]);
            var isFilter = filters.Contains(weight.Name);
            _entries[i] = new Entry
            {
                Tensor = tensor,
                Values = (float*)TorchScript.Data(tensor.Handle),
                Size = weight.Size,
                IsFilter = isFilter,
                IsNormalization = IsNormalization(weight),
                Offset = (nint)offset,
                Copy = isFilter && rounded ? tensor.detach().to(ScalarType.BFloat16).DetachFromDisposeScope() : null,
                Gradient = weight.IsParameter ? View(weight, offset).DetachFromDisposeScope() : null,
                GradientValues = weight.IsParameter ? (float*)TorchScript.Data(_gradients.Handle) + offset : null,
            };
            offset += weight.IsParameter ? weight.Size : 0;
        }

        _partSize = (int)_entries.Where(entry => entry.Gradient is not null && !entry.IsNormalization).Sum(entry => entry.Size);
        _part = ranks.Size == 1 ? [] : GC.AllocateArray<float>(_partSize, pinned: true);
        Gradients = [.. _entries.Where(entry => entry.Gradient is not null).Select(entry => entry.Gradient!)];
    }

    /// <summary>Gets the gradients, in the order of the network's parameters.</summary>
    public Tensor[] Gradients { get; }

    private const ScalarType VectorType = StepProgram.VectorType;

    /// <summary>Gets the handle of a weight as Torch's operations read it: filters in the type of activations, the rest floats.</summary>
    /// <param name="weight">The weight's place in the plan's.</param>
    public nint Handle(int weight) => (_entries[weight].Copy ?? _entries[weight].Tensor).Handle;

    /// <summary>Gets where the floats of a weight lie.</summary>
    public float* Values(int weight) => _entries[weight].Values;

    /// <summary>Gets where the gradient of a weight lies.</summary>
    public float* GradientValues(int weight) => _entries[weight].GradientValues;

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

    /// <summary>Adds up one worker's share of the gradients of all slices, in the order of the workers.</summary>
    /// <param name="workers">The workers.</param>
    /// <param name="worker">The one that adds up.</param>
    /// <param name="accumulates">Whether they are added to the gradients of the batch before.</param>
    public void AddUp(StepWorker[] workers, int worker, bool accumulates)
    {
        var parts = stackalloc void*[workers.Length];
        var joins = _ranks.Size > 1;
        for (var i = 0; i < _entries.Length; i++)
        {
            var entry = _entries[i];
            if (entry.Gradient is null || entry.IsNormalization)
            {
                continue;
            }

            for (var w = 0; w < workers.Length; w++)
            {
                parts[w] = workers[w].WeightGradient(i).Data;
            }

            var (start, end) = Share(entry.Size, worker, workers.Length);
            var kernels = entry.IsFilter ? _filterKernels : _floatKernels;
            var target = joins ? (float*)Unsafe.AsPointer(ref _part[0]) + entry.Offset : entry.GradientValues; // pinned
            kernels.AddUp(parts, workers.Length, start, end, target, accumulates && !joins);
        }
    }

    /// <summary>Adds up, in the order of the processes, what the workers of each have added up.</summary>
    /// <param name="accumulates">Whether they are added to the gradients of the batch before.</param>
    public void Join(bool accumulates)
    {
        var total = new Span<float>((float*)TorchScript.Data(_gradients.Handle), _partSize);
        if (!accumulates)
        {
            total.Clear();
        }

        _ranks.AllReduce(_part, total);
    }

    public void Dispose()
    {
        foreach (var entry in _entries)
        {
            entry.Copy?.Dispose();
            entry.Gradient?.Dispose();
        }

        _gradients.Dispose();
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
