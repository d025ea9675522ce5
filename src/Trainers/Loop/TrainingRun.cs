using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Calibration;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Makes everything that a training loop needs, runs it from its start or a checkpoint, and frees it. To be used on the training thread.</summary>
internal sealed class TrainingRun(LayerPlan plan, ResNetTrainer.Options options, int seed, CheckpointFolder? checkpoints, TrainingReporter reporter)
{
    private readonly TrainingRecipe _recipe = options.EffectiveRecipe;

    /// <summary>Gets the bytes that a step may take.</summary>
    /// <value>The default is what the system says.</value>
    public long AvailableMemory { get; init; } = MemoryBudget.Available();

    /// <summary>Gets how long it took to read the images.</summary>
    public TimeSpan ReadingTime { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="images">The images.</param>
    /// <param name="checkpoint">The moment to go on from; null to start.</param>
    public (ResNetWeights Weights, TrainingHistory History) Train<T>(TrainingImages<T> images, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        using var threads = new TorchThreads(options.ThreadCount); // before any tensor
        if (images.Validation.Count == 0 && (_recipe.EarlyStoppingPatience is not null || _recipe.LearningRateDecay == LearningRateDecay.Plateau || options.Calibrate))
        {
            throw new InvalidOperationException("Early stopping, a learning rate that falls on plateaus and calibration need validation images. Give validation data to Fit, or set ValidationFraction above 0.");
        }

        var precision = options.Precision == TrainingPrecision.Auto && Enum.TryParse<TrainingPrecision>(checkpoint?.Identity.Precision, out var earlier)
            ? earlier
            : PrecisionProbe.Resolve(options.Precision);
        ConvolutionCheck.Shared.Tell(plan, ResidualNetwork.ProductTypeOf(precision), reporter.Warn);
        var start = StartingWeights.For(plan, options.InitialWeights, SeedMixer.Mix(seed, SeedUse.Weights), _recipe.ZeroInitResidual);
        var cut = options.AugmentationFor(images.Preprocessing.Input);
        var (weights, end) = options.TrainableLayers == TrainableLayers.Head && cut == ImageAugmentation.None && _recipe.HasNoDistortion
            ? TrainHeadOnCachedFeatures(images, start, precision, checkpoint)
            : Train(plan, start, precision, images, cut, checkpoint);
        weights = _recipe.PreciseBatchNormImages > 0 && options.TrainableLayers == TrainableLayers.All ? WithPreciseBatchNorm(weights, end, images, cut, precision) : weights;
        var temperature = options.Calibrate ? Temperature(weights, end, images) : 1;
        var history = History(images, end) with
        {
            Temperature = temperature,
            NoBetterThanChance = ChanceLevel.Describe(images, end, _recipe.ClassBalance),
        };
        if (history.NoBetterThanChance is { } warning)
        {
            reporter.Warn(warning);
        }

        reporter.Finish(history);
        return (temperature == 1 ? weights : TemperatureScaling.Fold(weights, plan.Head, temperature), history);
    }

    /// <summary>Tries ever higher learning rates on a network that is thrown away.</summary>
    public LearningRateSearch FindLearningRate<T>(TrainingImages<T> images, int steps)
        where T : unmanaged, INumberBase<T>
    {
        using var threads = new TorchThreads(options.ThreadCount);
        var precision = PrecisionProbe.Resolve(options.Precision);
        var recipe = MemoryBudget.Fit(_recipe, plan, precision, AvailableMemory);
        var start = StartingWeights.For(plan, options.InitialWeights, SeedMixer.Mix(seed, SeedUse.Weights), recipe.ZeroInitResidual);
        var pipelines = InputPipelines.For(options.AugmentationFor(images.Preprocessing.Input), recipe, images).ForTraining();
        using var learner = new Learner<T>(plan, start, precision, images, pipelines, recipe, epochs: 1, options.LayerDecay, seed);
        learner.Network.FrozenLayers = LayerDepth.FirstTrained(plan, options.TrainableLayers, epoch: 1, options.EpochsPerUnfreezing);
        return LearningRateFinder.Run(learner, ClassificationLoss.ForTraining(recipe, options), steps, options.CancellationToken);
    }

    private TrainingHistory History<T>(TrainingImages<T> images, TrainingState state)
        where T : unmanaged, INumberBase<T> => new()
        {
            Epochs = state.Epochs,
            Seed = seed,
            TrainingImages = images.Training.Count,
            ValidationImages = images.Validation.Count,
            SkippedImages = images.Skipped,
            ReadingTime = ReadingTime,
            StoppedEarly = state.StoppedEarly,
        };

    private (ResNetWeights Weights, TrainingState End) Train<T>(
        LayerPlan layers, ResNetWeights start, TrainingPrecision precision, TrainingImages<T> images, ImageAugmentation cut, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        var identity = checkpoints is null ? null : TrainingIdentity.Of(layers, start, images, precision, seed, options);
        if (checkpoint is not null)
        {
            CheckSameRun(identity!, checkpoint);
        }

        var recipe = checkpoint is null
            ? MemoryBudget.Fit(_recipe, layers, precision, AvailableMemory)
            : _recipe with { BatchSize = checkpoint.State.BatchSize, BatchesPerStep = checkpoint.State.BatchesPerStep };
        while (true)
        {
            if (recipe.BatchSize != _recipe.BatchSize)
            {
                reporter.Warn($"A batch of {_recipe.BatchSize} images does not fit into memory: {recipe.BatchesPerStep} batches of {recipe.BatchSize} make up a step.");
            }

            try
            {
                return Train(layers, start, precision, images, cut, recipe, identity, checkpoint);
            }
            catch (Exception exception) when (MemoryBudget.IsOutOfMemory(exception) && checkpoint is null && MemoryBudget.CanHalve(recipe))
            {
                recipe = MemoryBudget.Halve(recipe);
            }
        }
    }

    private (ResNetWeights Weights, TrainingState End) Train<T>(
        LayerPlan layers, ResNetWeights start, TrainingPrecision precision, TrainingImages<T> images, ImageAugmentation cut, TrainingRecipe recipe, TrainingIdentity? identity, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        var length = TrainingLength.Of(recipe, images.Training.Count);
        var pipelines = InputPipelines.For(cut, recipe, images).ForTraining();
        using var learner = new Learner<T>(layers, start, precision, images, pipelines, recipe, length.Epochs, options.LayerDecay, seed);
        var loop = new TrainingLoop<T>(learner, recipe, LearningRateSchedule.Of(recipe, length.Steps), length.Epochs, options, seed, reporter)
        {
            Checkpoint = (state, tensors) => checkpoints?.Write(new Checkpoint(identity!, state, new ResNetWeights(tensors))),
            FindLastGood = () => checkpoints?.ReadNewestEpoch() is { } epoch ? learner.EvaluatedOf(epoch.Tensors) : null,
        };
        if (checkpoint is not null)
        {
            loop.Restore(checkpoint.State, checkpoint.Tensors);
            reporter.Inform(FormattableString.Invariant($"Goes on from step {checkpoint.State.Step} of {length.Steps}, in epoch {Math.Min(checkpoint.State.Epoch, length.Epochs)} of {length.Epochs}."));
        }

        reporter.Start(History(images, loop.State));
        return loop.Run();
    }

    // The frozen part gives the same features in every epoch: they are computed once, and are then the images of a network of one layer.
    private (ResNetWeights Weights, TrainingState End) TrainHeadOnCachedFeatures<T>(TrainingImages<T> images, ResNetWeights start, TrainingPrecision precision, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        reporter.Inform("Computing the features of all images once; only the head is trained.");
        var head = plan.HeadOnly();
        using var store = ImageStore<float>.For(options, taken: images.Store?.MemoryBytes ?? 0);
        TrainingImages<float> features;
        using (var network = new ResidualNetwork(plan, start, precision))
        {
            features = FeatureCache.Compute(network, images, head.Input, _recipe.BatchSize, store, options.CancellationToken);
        }

        var (trained, end) = Train(head, start, precision, features, ImageAugmentation.None, checkpoint);
        return (new ResNetWeights(start.Tensors.Select(tensor => trained.TryGet(tensor.Name, out var update) ? update : tensor)), end);
    }

    // This and calibration are done to a trained network, and never to one that goes on training.
    private ResNetWeights WithPreciseBatchNorm<T>(ResNetWeights trained, TrainingState end, TrainingImages<T> images, ImageAugmentation cut, TrainingPrecision precision)
        where T : unmanaged, INumberBase<T>
    {
        using var network = new ResidualNetwork(plan, trained, precision);
        var pipeline = InputPipelines.For(cut, _recipe with { ColorNoise = 0 }, images).ForStatistics();
        using var loader = new BatchLoader<T>(images.Training, end.BatchSize, [pipeline], epochs: 1, SeedMixer.Mix(seed, SeedUse.PreciseBatchNorm));
        PreciseBatchNorm.Compute(network, loader, epoch: 1, _recipe.PreciseBatchNormImages, options.CancellationToken);
        return network.ToWeights();
    }

    // In float32, as scoring computes.
    private double Temperature<T>(ResNetWeights trained, TrainingState end, TrainingImages<T> images)
        where T : unmanaged, INumberBase<T>
    {
        using var network = new ResidualNetwork(plan, trained, TrainingPrecision.Float32);
        using var loader = new BatchLoader<T>(images.Validation, end.BatchSize, [InputPipeline.AsScored(images.Preprocessing)], epochs: 1, shuffleSeed: null);
        var (logits, labels) = network.Logits(loader, options.CancellationToken);
        return TemperatureScaling.Fit(logits, labels);
    }

    private void CheckSameRun(TrainingIdentity identity, Checkpoint checkpoint)
    {
        if (identity.DifferencesFrom(checkpoint.Identity) is { IsEmpty: false } differences)
        {
            throw new InvalidOperationException(
                $"The checkpoints in '{options.CheckpointFolder}' are of another training run, from which this one cannot go on:{Environment.NewLine}"
                + string.Join(Environment.NewLine, differences.Select(difference => $"- {difference}"))
                + $"{Environment.NewLine}Restore what was changed, give another CheckpointFolder, or set Resume to Never to start anew.");
        }
    }
}
