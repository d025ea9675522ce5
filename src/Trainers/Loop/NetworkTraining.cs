using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Optimization;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Trains a network from its start or a checkpoint, in batches that fit into memory.</summary>
/// <param name="settings">How it is trained.</param>
/// <param name="checkpoints">Where checkpoints are kept; null for nowhere.</param>
/// <param name="reporter">What reports progress.</param>
internal sealed class NetworkTraining(TrainingSettings settings, CheckpointFolder? checkpoints, TrainingReporter reporter)
{
    /// <summary>Gets the weights that the run was given, by which a checkpoint knows it.</summary>
    /// <value>The default is <see langword="null"/>: those that training starts from.</value>
    public ResNetWeights? Given { get; init; }

    /// <summary>Trains the network.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="start">The weights to start from.</param>
    /// <param name="images">The images.</param>
    /// <param name="checkpoint">The checkpoint to go on from; null to start.</param>
    /// <returns>The trained weights, and where training ended.</returns>
    /// <exception cref="InvalidOperationException">The checkpoint is another run's.</exception>
    public (ResNetWeights Weights, TrainingState End) Run<T>(
        LayerPlan plan, ResNetWeights start, TrainingImages<T> images, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        var identity = images.OnFirst(settings.Ranks, () => checkpoints is null
            ? null
            : TrainingIdentity.Of(plan, Given ?? start, images, settings.Recipe, settings.FineTuning, settings.Precision, settings.Seed));
        if (checkpoint is not null && identity is not null)
        {
            CheckSameRun(identity, checkpoint);
        }

        var recipe = checkpoint is null
            ? MemoryBudget.Fit(settings.Recipe, plan, settings.Precision, settings.AvailableMemory)
            : settings.Recipe with
            {
                BatchSize = checkpoint.State.BatchSize,
                GradientAccumulationSteps = checkpoint.State.GradientAccumulationSteps,
            };
        while (true)
        {
            if (recipe.BatchSize != settings.Recipe.BatchSize)
            {
                reporter.Warn(
                    $"A batch of {settings.Recipe.BatchSize} images does not fit into memory: "
                    + $"{recipe.GradientAccumulationSteps} batches of {recipe.BatchSize} make up a step.");
            }

            try
            {
                return Run(plan, start, images, settings with { Recipe = recipe }, identity, checkpoint);
            }
            catch (Exception exception)
                when (MemoryBudget.IsOutOfMemory(exception)
                    && checkpoint is null
                    && MemoryBudget.CanHalve(recipe)
                    && settings.Ranks.Size == 1) // other ranks would not know
            {
                recipe = MemoryBudget.Halve(recipe);
            }
        }
    }

    /// <summary>Makes the history of a run.</summary>
    public static TrainingHistory History<T>(TrainingImages<T> images, TrainingState state, int seed)
        where T : unmanaged, INumberBase<T> => new()
        {
            Epochs = state.Epochs,
            Seed = seed,
            TrainingImages = images.Training.Count,
            ValidationImages = images.Validation.Count,
            SkippedImages = images.Skipped,
            ReadingTime = images.ReadingTime,
            StoppedEarly = state.StoppedEarly,
            IsMultilabel = images.LabelSets is not null,
        };

    private (ResNetWeights Weights, TrainingState End) Run<T>(
        LayerPlan plan,
        ResNetWeights start,
        TrainingImages<T> images,
        TrainingSettings fitting,
        TrainingIdentity? identity,
        Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        var length = TrainingLength.Of(fitting.Recipe, images.Training.Count);
        using var learner = new Learner<T>(plan, settings.Ranks.OfFirst(start), images, fitting, length.Epochs);
        CheckBatches(learner);
        using var loop = new TrainingLoop<T>(learner, fitting, length, reporter)
        {
            Checkpoint = (state, tensors) => checkpoints?.Write(new Checkpoint(identity!, state, new ResNetWeights(tensors))),
            FindLastGood = () =>
                settings.Ranks.OfFirst(checkpoints?.ReadNewestEpoch()) is { } last ? learner.EvaluatedOf(last.Tensors) : null,
        };
        if (checkpoint is not null)
        {
            loop.Restore(checkpoint.State, checkpoint.Tensors);
            var epoch = Math.Min(checkpoint.State.Epoch, length.Epochs);
            reporter.Inform(FormattableString.Invariant(
                $"Goes on from step {checkpoint.State.Step} of {length.Steps}, in epoch {epoch} of {length.Epochs}."));
            TellOtherDevice(checkpoint.State.Device);
            TellOtherSlices(learner, checkpoint.State.Slices);
        }

        if (fitting.Recipe.BaseBatchSize is { } baseImages)
        {
            TellScaledRate(fitting.Recipe, loop.Schedule, baseImages);
        }

        reporter.Start(History(images, loop.State, settings.Seed));
        return loop.Run();
    }

    private void CheckBatches<T>(Learner<T> learner)
        where T : unmanaged, INumberBase<T>
    {
        var (ranks, smallest) = (settings.Ranks.Size, learner.Training.ImageCount / learner.Training.BatchesPerEpoch);
        var fewest = settings.SyncBatchNorm ? 1 : 2;
        if (ranks > 1 && smallest / ranks < fewest)
        {
            throw new InvalidOperationException(
                $"A batch of {smallest} images cannot be shared out over {ranks} processes: each needs {fewest} at least. "
                + "Start fewer processes, or set a larger BatchSize.");
        }

        if (ranks > 1)
        {
            var share = learner.SharesImages ? ", and each keeps its share of the images" : "";
            var statistics = settings.SyncBatchNorm ? "" : " Each normalizes by its own images.";
            var format = settings.GradientExchange == GradientExchange.BFloat16 ? " Gradients are exchanged in bfloat16." : "";
            reporter.Inform(
                $"{ranks} processes train together, each with {learner.Compiled!.Slices / ranks} of the slices of a batch{share}."
                + format + statistics);
        }
    }

    private void TellOtherDevice(string? earlier)
    {
        var now = settings.Tensors.Device.ToString();
        if (earlier is not null && earlier != now)
        {
            reporter.Inform(
                $"The checkpoint was written by a training on {earlier}, and this one is on {now}: the weights will be those of an "
                + "uninterrupted training within rounding, not to the bit.");
        }
    }

    private void TellScaledRate(TrainingRecipe recipe, LearningRateSchedule schedule, int baseImages)
    {
        var stepImages = recipe.BatchSize * recipe.GradientAccumulationSteps;
        reporter.Inform(FormattableString.Invariant(
            $"The learning rate is {schedule.Peak:g4}: {recipe.LearningRate:g4} for {baseImages} images, and a step has {stepImages} ")
            + FormattableString.Invariant($"(linear scaling rule); it grows up to there over {schedule.WarmupSteps} steps."));
    }

    private void TellOtherSlices<T>(Learner<T> learner, int earlier)
        where T : unmanaged, INumberBase<T>
    {
        if (earlier > 0 && learner.Compiled is { } compiled && compiled.Slices != earlier)
        {
            reporter.Inform(
                $"The checkpoint was written by {earlier} workers, over all processes, and now there are {compiled.Slices}: the weights "
                + "will be those of an uninterrupted training within rounding, not to the bit.");
        }
    }

    private void CheckSameRun(TrainingIdentity identity, Checkpoint checkpoint)
    {
        if (identity.DifferencesFrom(checkpoint.Identity) is { IsEmpty: false } differences)
        {
            throw new InvalidOperationException(
                $"The checkpoints in '{checkpoints!.FolderPath}' are of another training run, from which this one cannot go on:"
                + Environment.NewLine
                + string.Join(Environment.NewLine, differences.Select(difference => $"- {difference}"))
                + $"{Environment.NewLine}Restore what was changed, give another CheckpointFolder, or set Resume to Never to start anew.")
            {
                Data = { ["Option"] = nameof(Resume) }, // for front ends that advise in words of their own
            };
        }
    }
}
