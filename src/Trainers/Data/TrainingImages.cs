using System.Collections.Immutable;
using System.Numerics;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The images of a run, decoded: those to train on, those to validate on, and how pixels become the network's input.</summary>
internal sealed record TrainingImages<T>(ImageSet<T> Training, ImageSet<T> Validation, ImagePreprocessing Preprocessing, int Skipped)
    : IDisposable
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Gets where the images are kept; it is disposed of with them.</summary>
    /// <value>The default is <see langword="null"/>: images in memory need not be disposed of.</value>
    public ImageStore<T>? Store { get; init; }

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

    public void Dispose() => Store?.Dispose();
}
