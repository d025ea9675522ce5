using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>How a network is trained: what the loop needs to know beside the network and its images.</summary>
/// <param name="Recipe">The recipe, with what overrides it.</param>
/// <param name="Augmentation">How images are varied; not Auto.</param>
/// <param name="Precision">The number format of convolutions; not Auto.</param>
/// <param name="FineTuning">Which part is trained.</param>
/// <param name="Seed">The seed of all randomness.</param>
internal sealed record TrainingSettings(
    TrainingRecipe Recipe, ImageAugmentation Augmentation, TrainingPrecision Precision, FineTuning FineTuning, int Seed)
{
    /// <summary>Gets whether the data gives each example a weight.</summary>
    public bool HasExampleWeights { get; init; }

    /// <summary>Gets whether images weigh differently in the loss: by their class, or because the data says so.</summary>
    public bool HasClassOrExampleWeights => HasExampleWeights || (LabelSets is null && Recipe.ClassBalance == ClassBalance.Weights);

    /// <summary>Gets what makes up for small classes when batches are made.</summary>
    /// <value>With any number of labels nothing: there the loss does it.</value>
    public ClassBalance BatchBalance => LabelSets is null ? Recipe.ClassBalance : ClassBalance.None;

    /// <summary>Gets the combinations of labels that images have.</summary>
    /// <value>The default is <see langword="null"/>: each has one label.</value>
    public LabelSets? LabelSets { get; init; }

    /// <summary>Gets what labels count in the loss, where an image has any number of them.</summary>
    /// <value>The default is <see langword="null"/>: all the same.</value>
    public LabelWeights? LabelWeights { get; init; }

    /// <summary>Gets the longest time between two checkpoints within an epoch.</summary>
    /// <value>The default is ten minutes.</value>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Gets the time after which training stops and returns the network that it has by then.</summary>
    /// <value>The default is <see langword="null"/>: none.</value>
    public TimeSpan? MaxDuration { get; init; }

    /// <summary>Gets the bytes of memory that a step may use.</summary>
    /// <value>The default is what the system reports as available.</value>
    public long AvailableMemory { get; init; } = Interop.AvailableMemory.Bytes();

    /// <summary>Gets whether Torch's autograd computes gradients even where a compiled step would do: it is the reference.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool ForcesAutograd { get; init; }

    /// <summary>Gets what makes tensors, on the device that the network is trained on.</summary>
    /// <value>The default makes them on the CPU.</value>
    public TensorFactory Tensors { get; init; } = TensorFactory.OnCpu;

    /// <summary>Gets whether gradients are computed by autograd: the compiled step is for the CPU.</summary>
    public bool UsesAutograd => ForcesAutograd || !Tensors.IsOnCpu;

    /// <summary>Gets how many validation images are sampled: what is predicted of them is reported.</summary>
    /// <value>The default is 0: none.</value>
    public int SamplePredictions { get; init; }

    /// <summary>Gets the processes that train together.</summary>
    /// <value>The default is this one alone.</value>
    public ICollective Ranks { get; init; } = Alone.Instance;

    /// <summary>Gets whether the statistics of batch normalization are those over all of them.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool SyncBatchNorm { get; init; } = true;

    /// <summary>Gets the format in which they send each other gradients.</summary>
    /// <value>The default is float32.</value>
    public GradientExchange GradientExchange { get; init; }

    /// <summary>Gets the threads of one process that would do the work of all, as far as each machine has cores: with so many, Torch adds
    /// up what is left to do when training has ended.</summary>
    public int JobThreads { get; init; } = TorchSharp.torch.get_num_threads();

    /// <summary>Gets the token that stops training.</summary>
    public CancellationToken CancellationToken { get; init; }
}
