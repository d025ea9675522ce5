using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Studio.Training;

/// <summary>How a run trains, in full: what the library's options are made from.</summary>
internal sealed record RunSettings
{
    // A head that is fitted first sees each image as it is, and three times augmented.
    private const int HeadCopies = 4;

    // As many as are seen at one look.
    private const int Samples = 8;

    public required string Preset { get; init; }

    /// <summary>Gets pretrained, nothing, or the name of an earlier run.</summary>
    public required string Start { get; init; }

    public required string Network { get; init; }

    public required int ImageSize { get; init; }

    public required int Epochs { get; init; }

    public required int BatchSize { get; init; }

    public double? LearningRate { get; init; }

    public required string Layers { get; init; }

    /// <summary>Gets whether the head is fitted to the starting network's features before the rest is trained.</summary>
    public bool FitsHeadFirst { get; init; }

    public required string Recipe { get; init; }

    public required int Seed { get; init; }

    /// <summary>Gets the share of the images to train on that the curves are validated on.</summary>
    public required double ValidationFraction { get; init; }

    /// <summary>Makes the trainer's options.</summary>
    /// <param name="start">The weights to start from.</param>
    /// <param name="cancellation">Stops training.</param>
    /// <param name="folder">The run's folder; null to keep nothing.</param>
    /// <param name="progress">Is told how training goes.</param>
    /// <param name="mostTime">The time after which training ends with what it has.</param>
    public ResNetTrainer.Options ToOptions(
        StartingPoint start, CancellationToken cancellation, string? folder = null, IProgress<TrainingProgress>? progress = null,
        TimeSpan? mostTime = null) => new()
    {
        Architecture = start.Architecture ?? ResNetArchitecture.Parse(Network),
        InitialWeights = start.Weights,
        InputShape = new ImageShape(3, ImageSize, ImageSize),
        Recipe = Presets.Recipe(Recipe),
        Epochs = Epochs,
        BatchSize = BatchSize,
        LearningRate = LearningRate,
        TrainableLayers = Enum.Parse<TrainableLayers>(Layers),
        FitHeadFirst = FitsHeadFirst,
        HeadCopies = FitsHeadFirst ? HeadCopies : 1,
        KeepBatchNormStatistics = FitsHeadFirst,
        ValidationFraction = ValidationFraction,
        Seed = Seed,
        OnBadImage = BadImageHandling.Skip,
        CheckpointFolder = folder is null ? null : Path.Combine(folder, "checkpoints"),
        CheckpointInterval = TimeSpan.FromSeconds(20),
        LogFolder = folder is null ? null : Path.Combine(folder, "log"),
        Progress = progress,
        SamplePredictions = progress is null ? 0 : Samples,
        MaxDuration = mostTime,
        CancellationToken = cancellation,
    };
}
