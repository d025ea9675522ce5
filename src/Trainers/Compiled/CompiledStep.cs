using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// A training step without autograd: forward, loss and backward as one list of operations, which workers run side by side, each on its
/// slice of the batch with a core of its own.
/// </summary>
/// <remarks>
/// Workers meet at the sums of batch normalization, whose statistics are those of the whole batch, and once at the end, where gradients are
/// added up in their order. So the weights depend on the seed and on the number of workers, never on time. Activations, gradients and sums
/// lie in memory that is taken once; Torch computes convolutions alone.
/// Where several processes train together, the batch is cut into the slices of all their workers, and each sum is added up over the workers
/// of a process first, and then over the processes in their order: two processes of one worker do as one process of two. Statistics may
/// be left to each process.
/// The backward pass ends at the first layer that is trained. Frozen layers are computed as when the network scores, and the program is
/// planned again when their number changes.
/// </remarks>
internal sealed unsafe class CompiledStep : IDisposable
{
    // Each worker holds the gradients of all weights until they are added up. More threads than these help within each worker's operations.
    private const int MostWorkers = 16;

    private readonly ResidualNetwork _network;
    private readonly Func<bool, int, ActivationKernels> _kernelsFor;
    private readonly double _labelSmoothing;
    private readonly bool _isWeighted;
    private readonly int _capacity;
    private readonly WorkerTeam _team;
    private readonly StepWeights _weights;
    private readonly StepBatch _batch = new();
    private readonly Action<int> _work;
    private readonly GradientExchanges? _exchanges; // where there are several processes
    private readonly double[] _tally = new double[2], _joinedTally = new double[2];
    private readonly float[] _keep;
    private readonly HashSet<int> _counts = []; // of images in the batches that were run with the program
    private StepProgram? _program; // for the shape of the last batch
    private StepWorker[] _workers = [];

    /// <param name="network">The network that is trained.</param>
    /// <param name="labelSmoothing">The share of each label that is spread over all classes.</param>
    /// <param name="isWeighted">Whether examples weigh differently.</param>
    /// <param name="capacity">The most images of a batch.</param>
    /// <param name="kernelsFor">Finds the kernels for a type and a number of channels; null for the CPU's widest. Tests pass some that are
    /// wrong.</param>
    /// <param name="ranks">The processes that train together; null for this one alone.</param>
    /// <param name="syncs">Whether statistics are those over all processes, and not over each one's images.</param>
    public CompiledStep(
        ResidualNetwork network,
        double labelSmoothing,
        bool isWeighted,
        int capacity,
        Func<bool, int, ActivationKernels>? kernelsFor = null,
        ICollective? ranks = null,
        bool syncs = true)
    {
        ranks ??= Alone.Instance;
        (_network, _labelSmoothing, _isWeighted, _capacity) = (network, labelSmoothing, isWeighted, capacity);
        _kernelsFor = kernelsFor ?? ActivationKernels.For;
        var workers = CountWorkers(capacity, ranks);
        _team = new WorkerTeam(workers, get_num_threads() / workers, ranks);
        _weights = new StepWeights(network, ranks, syncs);
        _exchanges = ranks.Size == 1 ? null : new GradientExchanges(_weights, _team);
        BucketBytes = GradientBucket.BytesFor(ranks.Size);
        _work = Work;
        _keep = network.StochasticDepth is null ? [] : GC.AllocateUninitializedArray<float>(
            network.Plan.Layers.OfType<AddLayer>().Count() * capacity, pinned: true);
    }

    /// <summary>Gets the combinations of labels that images have.</summary>
    /// <value>The default is <see langword="null"/>: each has one label.</value>
    public LabelSets? LabelSets { get; init; }

    /// <summary>Gets what labels count in the loss, where an image has any number of them.</summary>
    /// <value>The default is <see langword="null"/>: all the same.</value>
    public LabelWeights? LabelWeights { get; init; }

    /// <summary>Gets the format in which processes send each other gradients.</summary>
    /// <value>The default is float32.</value>
    public GradientExchange GradientExchange { get; init; }

    /// <summary>Gets the bytes of gradients that are sent at once.</summary>
    /// <value>The default is <see cref="GradientBucket.BytesFor"/> the processes.</value>
    public int BucketBytes { get; init; }

    /// <summary>
    /// Gets the side of the tiles in which <see cref="WinogradKernels"/> compute a convolution that Torch would multiply in some type; null
    /// where Torch computes it.
    /// </summary>
    /// <value>The default is what is fastest.</value>
    public Func<ConvolutionShape, ScalarType, int?> TileSide { get; init; } = WinogradConvolutionOperation.TileSide;

    /// <summary>Gets the workers. Between batches they may do other things.</summary>
    public WorkerTeam Team => _team;

    /// <summary>Gets the gradients of the batches that were run, in the order of the network's parameters.</summary>
    public Tensor[] Gradients => _weights.Gradients;

    /// <summary>Gets the gradients in the order of the network's parameters, with null for those of frozen layers.</summary>
    public Tensor?[] TrainedGradients => _weights.TrainedGradients;

    /// <summary>Gets the slices that a batch is cut into: the workers of all processes.</summary>
    public int Slices => _team.Ranks.Size * _team.Count;

    /// <summary>Counts the workers of a step that is made on this thread, of whose Torch threads each gets its share.</summary>
    /// <param name="capacity">The most images of a batch.</param>
    /// <param name="ranks">The processes, which have as many workers each; null for this one alone.</param>
    public static int CountWorkers(int capacity, ICollective? ranks = null)
    {
        ranks ??= Alone.Instance;
        var images = Math.Max(1, capacity / ranks.Size);
        return (int)ranks.All(Math.Clamp(get_num_threads(), 1, Math.Min(images, MostWorkers))).Min();
    }

    /// <summary>Computes the gradients of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="batchesInStep">The batches whose gradients make up a step: each counts for its share.</param>
    /// <param name="accumulates">Whether they are added to the gradients of the batch before.</param>
    /// <returns>The mean loss of the batch, and how many images' classes had the largest logit.</returns>
    public (double Loss, int Correct) Run(Batch batch, int batchesInStep, bool accumulates)
    {
        Prepare(batch.Shape);
        fixed (float* pixels = batch.ImageValues, weights = batch.WeightValues, keep = _keep)
        fixed (long* labels = batch.LabelValues)
        {
            (_batch.Count, _batch.IsNew) = (batch.Count, _counts.Add(batch.Count));
            _batch.StatisticsCount = _weights.ExchangesNormalizations ? OwnImages(batch.Count) : batch.Count;
            _batch.Pixels = pixels;
            _batch.Labels = labels;
            _batch.Weights = _isWeighted ? weights : null;
            _batch.OwnShare = batch.OwnShare;
            (_batch.BatchesInStep, _batch.Accumulates) = (batchesInStep, accumulates);
            _batch.Keep = DrawKeep(batch.Count) ? keep : null;
            _exchanges?.Reset(accumulates);
            _team.Run(_work);
        }

        var (loss, correct) = (0.0, 0);
        foreach (var worker in _workers)
        {
            (loss, correct) = (loss + worker.Loss, correct + worker.Correct);
        }

        return _team.Ranks.Size == 1 ? (loss, correct) : Joined(loss, correct);
    }

    // The images of this process's slices.
    private int OwnImages(int count)
    {
        var ranks = _team.Ranks;
        return (int)((long)count * (ranks.Rank + 1) / ranks.Size) - (int)((long)count * ranks.Rank / ranks.Size);
    }

    private (double Loss, int Correct) Joined(double loss, int correct)
    {
        (_tally[0], _tally[1]) = (loss, correct);
        Array.Clear(_joinedTally);
        _team.Ranks.AllReduce(_tally, _joinedTally);
        return (_joinedTally[0], (int)_joinedTally[1]);
    }

    public void Dispose()
    {
        Forget();
        _exchanges?.Dispose();
        _weights.Dispose();
        _team.Dispose();
    }

    private void Work(int index)
    {
        var worker = _workers[index];
        worker.Begin(_batch);
        try
        {
            _weights.Round(index, _team.Count);
            var operations = _program!.Operations;
            foreach (var operation in operations)
            {
                operation.Prepare(index, _team.Count);
            }

            _team.Meet();
            for (var i = 0; i < operations.Length; i++)
            {
                operations[i].Forward(worker);
                worker.FreeValues(_program.NeededNoMore[i]);
            }

            for (var i = operations.Length - 1; i >= _program.FirstTrained; i--)
            {
                if (!operations[i].Meets)
                {
                    worker.DoPostponed();
                }

                foreach (var normalization in _program.NeededAgain[i])
                {
                    normalization.Recompute(worker);
                }

                operations[i].Backward(worker);
                _exchanges?.AddUp(_workers, index, i);
            }

            worker.DoPostponed();
            _team.Meet();
            if (_exchanges is null)
            {
                _weights.AddUp(_workers, index, _batch.Accumulates);
            }
            else
            {
                _exchanges.AddUp(_workers, index, operation: -1);
            }

            _team.Meet(_exchanges);
        }
        finally
        {
            worker.End();
        }
    }

    // On a worker, whose number of threads decides which kernels Torch takes.
    private void Prepare(ImageShape shape)
    {
        if (_program?.Plan.Input == shape && _weights.FrozenLayers == _network.FrozenLayers)
        {
            return;
        }

        Forget();
        _weights.Freeze(_network.FrozenLayers);
        var plan = shape == _network.Plan.Input
            ? _network.Plan
            : LayerPlan.Create(_network.Plan.Architecture, shape, _network.Plan.ClassCount);
        _team.Run(index =>
        {
            if (index == 0)
            {
                _program = new StepProgram(
                    _network,
                    plan,
                    _weights,
                    _kernelsFor,
                    _labelSmoothing,
                    _team.Count,
                    LabelSets,
                    LabelWeights,
                    _team.Ranks,
                    TileSide);
            }
        });
        _exchanges?.Plan(_program!.Operations, _team.Count, BucketBytes, GradientExchange);
        var slice = (_capacity + Slices - 1) / Slices;
        _workers = [.. Enumerable.Range(0, _team.Count).Select(index => new StepWorker(_program!, _team, index, slice))];
    }

    // For one addition after another, each for all images: what a pass over the whole batch draws.
    private bool DrawKeep(int count)
    {
        if (_network.StochasticDepth is not { } depth)
        {
            return false;
        }

        var addition = 0;
        foreach (var (index, layer) in _network.Plan.Layers.Index())
        {
            if (layer is not AddLayer add)
            {
                continue;
            }

            if (index >= _network.FrozenLayers)
            {
                depth.Draw(add, _keep.AsSpan(addition * count, count));
            }

            addition++;
        }

        return true;
    }

    private void Forget()
    {
        foreach (var worker in _workers)
        {
            worker.Dispose();
        }

        _program?.Dispose();
        (_program, _workers) = (null, []);
        _counts.Clear();
    }
}
