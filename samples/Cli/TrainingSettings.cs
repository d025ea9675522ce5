using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary>How a network is to be trained, as it was asked for; null where the recipe or the library decides.</summary>
internal sealed record TrainingSettings
{
    public required ResNetArchitecture Architecture { get; init; }

    public required TrainingRecipe Recipe { get; init; }

    public int? Epochs { get; init; }

    public int? BatchSize { get; init; }

    public double? LearningRate { get; init; }

    public int? ImageSize { get; init; }

    public ResNetWeights? InitialWeights { get; init; }

    public TrainableLayers Layers { get; init; }

    public bool FitHeadFirst { get; init; }

    public int HeadCopies { get; init; } = 1;

    public bool KeepBatchNormStatistics { get; init; }

    public int? Threads { get; init; }

    public TrainingDevice Device { get; init; }

    public double ValidationShare { get; init; } = 0.1;

    public string? CheckpointFolder { get; init; }

    public Resume Resume { get; init; }

    public TimeSpan? MaxDuration { get; init; }

    public bool Calibrate { get; init; }

    public double? RejectUnknown { get; init; }

    public string? LogFolder { get; init; }

    public BadImageHandling OnBadImage { get; init; }

    public long? MaxPixels { get; init; }

    public bool ExifOrientation { get; init; }

    /// <summary>Gets whether shards are read anew in each epoch, and no image is kept.</summary>
    public bool StreamsShards { get; init; }

    /// <summary>Gets how shards are read.</summary>
    public ImageShardOptions Shards { get; init; } = new();

    public int Seed { get; init; }

    /// <summary>Fills in what suits pretrained weights, where nothing else was asked for.</summary>
    /// <param name="keepsRecipe">Whether the recipe was asked for.</param>
    /// <param name="keepsLayers">Whether the layers to train were asked for; else it is the head, which takes seconds.</param>
    public TrainingSettings ForPretrained(bool keepsRecipe, bool keepsLayers)
    {
        var layers = keepsLayers ? Layers : TrainableLayers.Head;
        var (isHead, input) = (layers == TrainableLayers.Head, InitialWeights?.Preprocessing?.Input.Height ?? 0);
        return this with
        {
            Layers = layers,
            Recipe = keepsRecipe ? Recipe : Recipe with { WeightDecay = isHead ? 1e-2 : 1e-4 },
            Epochs = Epochs ?? (keepsRecipe ? (int?)null : isHead ? 60 : 4),
            LearningRate = LearningRate ?? (keepsRecipe ? (double?)null : isHead ? 0.003 : 0.0005),
            BatchSize = BatchSize ?? (keepsRecipe || input <= 64 ? (int?)null : 32),
            FitHeadFirst = !isHead,
            HeadCopies = isHead ? 1 : 4,
            KeepBatchNormStatistics = !isHead && Recipe.PreciseBatchNormImages == 0,
        };
    }

    /// <summary>Makes the trainer's options.</summary>
    public ResNetTrainer.Options ToOptions(IProgress<TrainingProgress>? progress, CancellationToken cancellation) => new()
    {
        Architecture = Architecture,
        InputShape = ImageSize is { } size ? new ImageShape(3, size, size) : InitialWeights?.Preprocessing?.Input,
        Recipe = Recipe,
        Epochs = Epochs,
        BatchSize = BatchSize,
        LearningRate = LearningRate,
        InitialWeights = InitialWeights,
        TrainableLayers = Layers,
        FitHeadFirst = FitHeadFirst,
        HeadCopies = HeadCopies,
        KeepBatchNormStatistics = KeepBatchNormStatistics,
        ThreadCount = Threads,
        Device = Device,
        ValidationFraction = ValidationShare,
        CheckpointFolder = CheckpointFolder,
        Resume = Resume,
        MaxDuration = MaxDuration,
        Calibrate = Calibrate,
        RejectUnknown = RejectUnknown,
        LogFolder = LogFolder,
        OnBadImage = OnBadImage,
        MaxImagePixels = MaxPixels,
        ApplyExifOrientation = ExifOrientation,
        StreamShards = StreamsShards,
        Progress = progress,
        CancellationToken = cancellation,
    };
}
