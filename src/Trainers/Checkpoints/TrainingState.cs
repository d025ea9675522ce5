using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>
/// Where a run stands: everything but tensors that decides how it goes on. All randomness comes from the seed and these counters.
/// </summary>
internal sealed record TrainingState
{
    /// <summary>Gets the images per batch: fewer than the recipe's where they did not fit into memory.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Gets the batches per step, likewise.</summary>
    public required int GradientAccumulationSteps { get; init; }

    /// <summary>Gets the slices that batches were cut into, which decide the order of additions; 0 where it is not known.</summary>
    public int Slices { get; init; }

    /// <summary>Gets the device that it was computed on; null where it is not known.</summary>
    public string? Device { get; init; }

    /// <summary>Gets the epoch under way, counted from 1.</summary>
    public int Epoch { get; init; } = 1;

    /// <summary>Gets the batches of the epoch that are done.</summary>
    public int Batch { get; init; }

    /// <summary>Gets the steps taken in the whole run.</summary>
    public long Step { get; init; }

    /// <summary>Gets the learning rate of the last step.</summary>
    public double LearningRate { get; init; }

    /// <summary>Gets the counts of the epoch so far.</summary>
    public Tally Tally { get; init; }

    /// <summary>Gets the time spent on the epoch so far.</summary>
    public TimeSpan EpochTime { get; init; }

    /// <summary>Gets the results of the finished epochs.</summary>
    public ImmutableArray<EpochResult> Epochs { get; init; } = [];

    /// <summary>Gets whether the warm-up until an accuracy is over.</summary>
    public bool WarmedUp { get; init; }

    /// <summary>Gets the counts since the accuracy of the warm-up was last looked at.</summary>
    public Tally Warmup { get; init; }

    /// <summary>Gets the epochs since the best one, for early stopping.</summary>
    public Patience Best { get; init; } = new();

    /// <summary>Gets the epochs since the best one or the last drop of the learning rate.</summary>
    public Patience Plateau { get; init; } = new();

    /// <summary>Gets how often the learning rate has dropped on a plateau.</summary>
    public int Plateaus { get; init; }

    /// <summary>Gets whether nothing is left to do.</summary>
    public bool IsFinished { get; init; }

    /// <summary>Gets why training ended before its last epoch.</summary>
    public string? StoppedEarly { get; init; }
}
