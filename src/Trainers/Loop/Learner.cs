using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>The network, the average of its weights, the optimizer, and the batches that they are given. Owns them.</summary>
internal sealed class Learner<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private const string OptimizerPrefix = "optimizer.";

    private readonly ResidualNetwork? _average;
    private readonly Func<CompiledStep>? _compile;
    private CompiledStep? _compiled;
    private Snapshot? _kept;

    // The optimizer after the network, whose tensors it knows by their handles.
    /// <param name="plan">The network.</param>
    /// <param name="start">The weights to start from.</param>
    /// <param name="images">The images.</param>
    /// <param name="settings">How it learns.</param>
    /// <param name="epochs">The epochs of the whole run.</param>
    public Learner(LayerPlan plan, ResNetWeights start, TrainingImages<T> images, TrainingSettings settings, int epochs)
    {
        var (recipe, precision, tensors) = (settings.Recipe, settings.Precision, settings.Tensors);
        var largest = Math.Min(recipe.BatchSize, images.Training.Count);
        var workers = settings.UsesAutograd ? 1 : CompiledStep.CountWorkers(largest, settings.Ranks);
        SharesImages = images.Training.Spread is not null;
        Network = new ResidualNetwork(plan, start, precision, tensors: tensors)
        {
            KeepsStatistics = settings.FineTuning.KeepsStatistics,
        };
        if (recipe.StochasticDepth > 0)
        {
            Network.StochasticDepth = new StochasticDepth(plan, recipe.StochasticDepth);
        }

        if (recipe.EmaDecay > 0)
        {
            _average = new ResidualNetwork(plan, start, precision, tensors: tensors);
            Average = new WeightAverage(Network, _average, recipe.EmaDecay, workers);
        }

        if (!settings.UsesAutograd)
        {
            _compile = () => new CompiledStep(
                Network,
                recipe.LabelSmoothing,
                settings.HasClassOrExampleWeights,
                largest,
                kernelsFor: null,
                settings.Ranks,
                settings.SyncBatchNorm)
            {
                LabelSets = settings.LabelSets,
                LabelWeights = settings.LabelWeights,
                GradientExchange = settings.GradientExchange,
            };
        }

        Optimizer = Optimizer.Of(
            recipe, OptimizedParameter.Of(Network, settings.FineTuning.LayerDecay, recipe.WeightDecayScope, workers));
        Training = TrainingBatches.Of(images, settings, epochs);
        Validation = images.Validation.Count == 0
            ? null
            : new BatchLoader<T>(
                images.Validation,
                recipe.BatchSize,
                [InputPipeline.AsScored(images.Preprocessing)],
                epochs: 1,
                shuffleSeed: null,
                tensors: tensors)
            {
                Batches = (settings.Ranks.Rank, settings.Ranks.Size),
            };
        Samples = settings.SamplePredictions == 0 || Validation is null
            ? null
            : new SampledImages(settings.SamplePredictions, images.ValidationRows, images.LabelSets is not null);
    }

    /// <summary>Gets the network that steps change.</summary>
    public ResidualNetwork Network { get; }

    /// <summary>Gets the average of its weights; null without one.</summary>
    public WeightAverage? Average { get; }

    /// <summary>Gets the network that is validated and returned.</summary>
    public ResidualNetwork Evaluated => _average ?? Network;

    /// <summary>Gets what computes gradients without autograd; null where that is left to autograd: on another device than the CPU.
    /// </summary>
    public CompiledStep? Compiled => _compile is null ? null : _compiled ??= _compile();

    /// <summary>Gets the slices that batches are cut into; 0 before the first of them, and by autograd.</summary>
    public int Slices => _compiled?.Slices ?? 0;

    /// <summary>Gets whether each rank keeps some of the images.</summary>
    public bool SharesImages { get; }

    public Optimizer Optimizer { get; }

    public BatchLoader<T> Training { get; }

    /// <summary>Gets the images to validate on; null if there are none.</summary>
    public BatchLoader<T>? Validation { get; }

    /// <summary>Gets those of them whose predictions are reported; null for none.</summary>
    public SampledImages? Samples { get; }

    /// <summary>Gets <see cref="Evaluated"/> as it was when it was last kept; null before.</summary>
    public ResNetWeights? Kept => _kept?.ToWeights();

    /// <summary>Keeps <see cref="Evaluated"/> as it is.</summary>
    public void Keep() => (_kept ??= new Snapshot(Evaluated)).Take();

    /// <summary>Gives all ranks the state of rank 0. It is theirs already, but for the rounding of processors of another kind.</summary>
    public unsafe void Share(ICollective ranks)
    {
        if (ranks.Size == 1)
        {
            return;
        }

        foreach (var (_, tensor) in State())
        {
            var bytes = checked((int)(tensor.NumberOfElements * tensor.ElementSize));
            ranks.Broadcast(new Span<byte>((void*)TorchScript.Data(tensor.Handle), bytes));
        }
    }

    /// <summary>Copies everything that a checkpoint must hold so that training can go on.</summary>
    public IEnumerable<WeightTensor> Save() => State().Select(each => each.Value.ToWeight(each.Key));

    /// <summary>Restores what was saved.</summary>
    /// <param name="saved">The tensors that <see cref="Save"/> returned; others among them are ignored.</param>
    public void Load(ResNetWeights saved)
    {
        using var noGradients = no_grad();
        foreach (var (name, tensor) in State())
        {
            using var scope = NewDisposeScope();
            tensor.copy_(saved[name].ToTensor());
        }
    }

    /// <summary>Finds, in what <see cref="Save"/> gave, the weights of the network that is validated and returned.</summary>
    public ResNetWeights EvaluatedOf(ResNetWeights saved) =>
        PrefixedWeights.Find(_average is null ? "" : PrefixedWeights.Average, saved, Network.Plan);

    public void Dispose()
    {
        _kept?.Dispose();
        _compiled?.Dispose();
        Validation?.Dispose();
        Training.Dispose();
        Optimizer.Dispose();
        _average?.Dispose();
        Network.Dispose();
    }

    private IEnumerable<KeyValuePair<string, Tensor>> State() =>
    [
        .. Network.State,
        .. _average?.State.Select(each => KeyValuePair.Create(PrefixedWeights.Average + each.Key, each.Value)) ?? [],
        .. Optimizer.State.Select(each => KeyValuePair.Create(OptimizerPrefix + each.Key, each.Value)),
    ];
}
