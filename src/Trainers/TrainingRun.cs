using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Calibration;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>One call of Fit, from decoded images to weights. To be used on the training thread.</summary>
/// <param name="plan">The network.</param>
/// <param name="options">The user's options.</param>
/// <param name="seed">The seed of all randomness.</param>
/// <param name="reporter">What reports progress.</param>
internal sealed class TrainingRun(LayerPlan plan, ResNetTrainer.Options options, int seed, TrainingReporter reporter)
{
    /// <summary>Gets when Fit was called, as a timestamp of Stopwatch.</summary>
    public long Started { get; init; } = Stopwatch.GetTimestamp();

    /// <summary>Gets the processes that train together.</summary>
    /// <value>The default is this one alone.</value>
    public ICollective Ranks { get; init; } = Alone.Instance;

    /// <summary>Gets what makes tensors, on the device that the network is trained on.</summary>
    /// <value>The default makes them on the CPU.</value>
    public TensorFactory Tensors { get; init; } = TensorFactory.OnCpu;

    // Ranks of one machine share its cores, unless each was bound to some.
    private int? ThreadCount => options.ThreadCount
        ?? (Ranks.Size == 1 ? null : Math.Max(1, Environment.ProcessorCount / Ranks.SharersOfCores()));

    /// <summary>Trains the network.</summary>
    /// <param name="images">The images.</param>
    /// <param name="checkpoints">Where checkpoints are kept; null for nowhere.</param>
    /// <param name="checkpoint">The checkpoint to go on from; null to start.</param>
    public (ResNetWeights Weights, TrainingHistory History) Train<T>(
        TrainingImages<T> images, CheckpointFolder? checkpoints, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        using var threads = new TorchThreads(ThreadCount); // before any tensor
        CheckSameImages(images);
        var settings = Settings(images, checkpoint);
        CheckValidation(settings.Recipe, images.Validation.Count);
        TellDevice(settings);
        var start = Start(settings.Recipe, images);
        var conditions = RunConditions.Of(plan, options, settings, start, images);
        reporter.Conditions = conditions.Now(settings.Recipe, settings.Augmentation, Started);
        var head = new HeadTraining(settings, options.HeadCopies, options.CacheLimits, checkpoints, reporter);
        var seesFeatures = SeesFeatures(options, settings.Augmentation);
        var (weights, end) = seesFeatures
            ? head.Run(plan, start, images, checkpoint)
            : new NetworkTraining(settings, checkpoints, reporter) { Given = start }
                .Run(plan, options.FitHeadFirst && checkpoint is null ? head.Fit(plan, start, images) : start, images, checkpoint);
        (weights, var temperature, var threshold) = FinishTogether(images, settings, weights, end.BatchSize);
        var recipe = settings.Recipe with { BatchSize = end.BatchSize, GradientAccumulationSteps = end.GradientAccumulationSteps };
        var history = NetworkTraining.History(images, end, seed) with
        {
            Temperature = temperature,
            UnknownThreshold = threshold,
            Conditions = conditions.Now(recipe, settings.Augmentation, Started),
            NoBetterThanChance = ChanceLevel.Describe(images, end, settings.Recipe.ClassBalance),
        };
        if (history.NoBetterThanChance is { } warning)
        {
            reporter.Warn(warning);
        }

        reporter.Finish(history);
        return (temperature == 1 ? weights : TemperatureScaling.Fold(weights, plan.Head, temperature), history);
    }

    /// <summary>Searches for a learning rate, with a network that is discarded.</summary>
    public LearningRateSearch FindLearningRate<T>(TrainingImages<T> images, int steps)
        where T : unmanaged, INumberBase<T>
    {
        using var threads = new TorchThreads(ThreadCount);
        var settings = Settings(images, checkpoint: null);
        settings = settings with { Recipe = MemoryBudget.Fit(settings.Recipe, plan, settings.Precision, settings.AvailableMemory) };
        var start = Start(settings.Recipe, images);
        using var learner = new Learner<T>(plan, start, images, settings, epochs: 1);
        learner.Network.FrozenLayers = LayerDepth.FirstTrained(plan, options.TrainableLayers, epoch: 1, options.EpochsPerUnfreezing);
        using var loss = TrainingLoss.ForTraining(settings);
        return LearningRateFinder.Run(learner, loss, steps, options.CancellationToken);
    }

    /// <summary>Gets whether the head alone is trained, on features that are computed once.</summary>
    public static bool SeesFeatures(ResNetTrainer.Options options, ImageAugmentation augmentation) =>
        options.TrainableLayers == TrainableLayers.Head
        && (options.HeadCopies > 1 || (augmentation == ImageAugmentation.None && options.EffectiveRecipe.HasNoDistortion));

    // Rank 0 does what is left, and the others take over what it came to.
    private (ResNetWeights Weights, double Temperature, float? Threshold) FinishTogether<T>(
        TrainingImages<T> images, TrainingSettings settings, ResNetWeights weights, int batchSize)
        where T : unmanaged, INumberBase<T>
    {
        var (temperature, threshold) = (1.0, (float?)null);
        var finished = images.OnFirst(
            Ranks, () => TorchThreads.With(settings.JobThreads, () => Finish(images, settings, weights, batchSize)));
        if (Ranks.Rank == 0)
        {
            (weights, temperature, threshold) = finished;
        }

        if (Ranks.Size == 1)
        {
            return (weights, temperature, threshold);
        }

        temperature = BitConverter.Int64BitsToDouble(Ranks.OfFirst(BitConverter.DoubleToInt64Bits(temperature)));
        var hasThreshold = options.RejectUnknown is not null;
        threshold = hasThreshold
            ? BitConverter.Int32BitsToSingle((int)Ranks.OfFirst(BitConverter.SingleToInt32Bits(threshold ?? 0)))
            : null;
        return (Ranks.OfFirst(weights), temperature, threshold);
    }

    private (ResNetWeights Weights, double Temperature, float? Threshold) Finish<T>(
        TrainingImages<T> images, TrainingSettings settings, ResNetWeights weights, int batchSize)
        where T : unmanaged, INumberBase<T>
    {
        if (settings.Recipe.PreciseBatchNormImages > 0 && options.TrainableLayers == TrainableLayers.All)
        {
            weights = new TrainedNetwork<T>(plan, weights, images, settings, batchSize).WithPreciseBatchNorm();
        }

        var (logits, labels) = options.Calibrate || options.RejectUnknown is not null
            ? new TrainedNetwork<T>(plan, weights, images, settings, batchSize).ValidationLogits()
            : ([], []);
        var temperature = options.Calibrate ? TemperatureScaling.Fit(logits, labels, images.LabelSets) : 1;
        var threshold = options.RejectUnknown is { } share
            ? UnknownThreshold.Fit(logits, plan.ClassCount, temperature, share)
            : (float?)null;
        return (weights, temperature, threshold);
    }

    // What each reads by itself must be the same.
    private void CheckSameImages<T>(TrainingImages<T> images)
        where T : unmanaged, INumberBase<T>
    {
        var labels = new System.Text.StringBuilder();
        foreach (ref readonly var image in images.Training.Entries)
        {
            labels.Append(image.Label).Append(' ');
        }

        Ranks.CheckSameData(images.Training.Count, "training", $"{labels}{images.Validation.Count} {images.Preprocessing}");
    }

    private ResNetWeights Start<T>(TrainingRecipe recipe, TrainingImages<T> images)
        where T : unmanaged, INumberBase<T>
    {
        var start = StartingWeights.For(plan, options.StartWeights, SeedMixer.Mix(seed, SeedUse.Weights), recipe.ZeroInitResidual);

        // With balanced weights a label is there as often as not.
        return images.LabelSets is { } labelSets && recipe.ClassBalance != ClassBalance.Weights
            ? StartingWeights.WithPriors(start, plan, labelSets.Count(images.Training.Labels), images.Training.Count)
            : start;
    }

    private TrainingSettings Settings<T>(TrainingImages<T> images, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        var precision = options.Precision == TrainingPrecision.Auto
            && Enum.TryParse<TrainingPrecision>(checkpoint?.Identity.Precision, out var earlier)
            ? earlier
            : PrecisionProbe.Resolve(options.Precision, Tensors.Device);
        precision = (TrainingPrecision)Ranks.OfFirst((long)precision); // machines may be of several kinds
        var available = Tensors.IsOnCpu
            ? Interop.AvailableMemory.Bytes() * Ranks.Size / Ranks.SharersOfMemory() // each rank has its slice of a batch
            : long.MaxValue; // a device says by an error what does not fit
        var fineTuning = new FineTuning(options.TrainableLayers, options.EpochsPerUnfreezing, options.LayerDecay)
        {
            HeadCopies = options.HeadCopies,
            FitsHeadFirst = options.FitHeadFirst,
            KeepsStatistics = options.KeepBatchNormStatistics,
        };
        var augmentation = options.AugmentationFor(images.Preprocessing.Input);
        return new TrainingSettings(options.EffectiveRecipe, augmentation, precision, fineTuning, seed)
        {
            HasExampleWeights = options.ExampleWeightColumnName is not null,
            LabelSets = images.LabelSets,
            LabelWeights = images.LabelSets is { } labelSets && options.Recipe.ClassBalance == ClassBalance.Weights
                ? LabelWeights.Of(labelSets, [.. images.Training.Labels])
                : null,
            SamplePredictions = options.SamplePredictions,
            CheckpointInterval = options.CheckpointInterval,
            MaxDuration = options.MaxDuration,
            CancellationToken = options.CancellationToken,
            Tensors = Tensors,
            Ranks = Ranks,
            SyncBatchNorm = Ranks.OfFirst(options.SyncBatchNorm ? 1 : 0) == 1,
            GradientExchange = (GradientExchange)Ranks.OfFirst((long)options.GradientExchange),
            JobThreads = (int)Math.Min(
                Ranks.All(TorchSharp.torch.get_num_threads()).Sum(),
                Ranks.Size == 1 ? int.MaxValue : Ranks.All(Environment.ProcessorCount).Min()),
            AvailableMemory = Ranks.All(available).Min(),
        };
    }

    private void TellDevice(TrainingSettings settings)
    {
        if (Tensors.IsOnCpu)
        {
            ConvolutionCheck.Shared.Tell(plan, ResidualNetwork.ProductTypeOf(settings.Precision), reporter.Warn);
        }
        else
        {
            reporter.Inform($"Training on {Tensors.Device}.");
        }
    }

    private void CheckValidation(TrainingRecipe recipe, int validationImages)
    {
        var needsValidation = recipe.EarlyStoppingPatience is not null
            || recipe.LearningRateDecay == LearningRateDecay.Plateau
            || options.Calibrate
            || options.RejectUnknown is not null;
        if (needsValidation && validationImages == 0)
        {
            throw new InvalidOperationException(
                "Early stopping, a learning rate that falls on plateaus, calibration and RejectUnknown need validation images. "
                + "Give validation data, or set ValidationFraction above 0.");
        }
    }
}
