using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The images of a run, decoded: those to train on, those to validate on, and how pixels become the network's input.</summary>
internal sealed record TrainingImages<T>(ImageSet<T> Training, ImageSet<T> Validation, ImagePreprocessing Preprocessing, int Skipped)
    : IDisposable
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Gets where the images are kept; it is disposed of with them.</summary>
    /// <value>The default is <see langword="null"/>: images in memory need not be disposed of.</value>
    public ImageStore<T>? Store { get; init; }

    /// <summary>Does something on rank 0, which may look at any image, while the other ranks wait, or give it the images that they keep.
    /// </summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="work">What is done.</param>
    /// <returns>On rank 0 what it came to; on the others nothing.</returns>
    public TResult? OnFirst<TResult>(ICollective ranks, Func<TResult> work) =>
        (Training.Spread ?? Validation.Spread) is { } spread ? spread.OnFirst(work) : ranks.Rank == 0 ? work() : default;

    /// <summary>Gets the combinations of labels, whose numbers the images' labels are.</summary>
    /// <value>The default is <see langword="null"/>: each image has one label.</value>
    public LabelSets? LabelSets { get; init; }

    /// <summary>Gets the row of each validation image in its data.</summary>
    /// <value>The default is empty: not known.</value>
    public ImmutableArray<long> ValidationRows { get; init; } = [];

    /// <summary>Gets the folder that the training images lie in; null where they are not from files.</summary>
    public string? Folder { get; init; }

    /// <summary>Gets how long it took to read them.</summary>
    public TimeSpan ReadingTime { get; init; }

    public void Dispose()
    {
        Training.Stream?.Dispose();
        Store?.Dispose();
    }
}
