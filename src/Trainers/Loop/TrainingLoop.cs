using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// <code>
/// for each epoch
///     for each batch: forward, loss, backward; after some batches: step, average
///     measure on the validation images
///     report; keep the weights; write a checkpoint
/// </code>
/// The state of the loop is a <see cref="TrainingState"/> and the learner's tensors; a loop that starts from both goes on as if it had
/// never stopped.
/// </summary>
/// <param name="learner">The network and what trains it.</param>
/// <param name="settings">How it is trained.</param>
/// <param name="length">How long it is trained.</param>
/// <param name="reporter">What reports progress.</param>
internal sealed class TrainingLoop<T>(Learner<T> learner, TrainingSettings settings, TrainingLength length, TrainingReporter reporter)
    : IDisposable
    where T : unmanaged, INumberBase<T>
{
    // How often the warm-up looks whether the accuracy is reached, in steps.
    private const int WarmupInterval = 50;

    // The paper warms ResNet-110 up at 0.01 for a rate of 0.1 (section 4.2).
    private const double WarmupScale = 0.1;

    private readonly TrainingRecipe _recipe = settings.Recipe;
    private readonly TrainingLoss _trainingLoss = TrainingLoss.ForTraining(settings);
    private readonly ValidationPass<T> _validation = new(learner, settings);
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private readonly FreeBuffers _freeBuffers = new();
    private TrainingState _state = new()
    {
        BatchSize = settings.Recipe.BatchSize,
        GradientAccumulationSteps = settings.Recipe.GradientAccumulationSteps,
        WarmedUp = settings.Recipe.WarmupUntilAccuracy == 0,
    };

    private TimeSpan _lastCheckpoint;
    private ResNetWeights? _best; // of the best epoch, where it is kept

    /// <summary>Gets what writes a checkpoint, given the loop's state and tensors.</summary>
    /// <value>The default does nothing.</value>
    public Action<TrainingState, IEnumerable<WeightTensor>> Checkpoint { get; init; } = (_, _) => { };

    /// <summary>Gets what finds the weights of the last finished epoch, if this loop did not see its end.</summary>
    /// <value>The default finds none.</value>
    public Func<ResNetWeights?> FindLastGood { get; init; } = () => null;

    /// <summary>Gets the learning rate of each step.</summary>
    /// <value>The default is the recipe's.</value>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Of(settings.Recipe, length.Steps);

    /// <summary>Gets how far the loop is.</summary>
    public TrainingState State => _state;

    private bool KeepsBest => learner.Validation is not null && (_recipe.KeepBestEpoch || _recipe.EarlyStoppingPatience is not null);

    /// <summary>Goes on from a checkpoint.</summary>
    /// <param name="state">The state at the checkpoint.</param>
    /// <param name="tensors">What <see cref="Checkpoint"/> was given.</param>
    public void Restore(TrainingState state, ResNetWeights tensors)
    {
        _state = state;
        learner.Load(tensors);
        if (state is { Batch: 0, Epochs.Length: > 0 })
        {
            learner.Keep();
        }

        _best = KeepsBest && state.Best.Best is not null ? PrefixedWeights.Find(PrefixedWeights.Best, tensors, learner.Network.Plan) : null;
    }

    /// <summary>Runs the loop to its end.</summary>
    /// <returns>The trained weights, and where training ended.</returns>
    /// <exception cref="TrainingDivergedException">The loss was not finite in the first epoch.</exception>
    public (ResNetWeights Weights, TrainingState End) Run()
    {
        while (!_state.IsFinished)
        {
            try
            {
                if (!RunEpoch())
                {
                    return OutOfTime();
                }
            }
            catch (TrainingDivergedException exception) when ((learner.Kept ?? FindLastGood()) is { } lastGood)
            {
                var epoch = _best is null ? _state.Epochs.Length : _state.Best.Best!.Epoch;
                var reason = $"{exception.Message} The network of epoch {epoch} is returned.";
                reporter.Warn(reason);
                return (_best ?? lastGood, _state with { StoppedEarly = reason });
            }
        }

        return (_best ?? learner.Evaluated.ToWeights(), _state);
    }

    public void Dispose()
    {
        _trainingLoss.Dispose();
        _validation.Dispose();
    }

    // False if time ran out before the epoch's end.
    private bool RunEpoch()
    {
        var started = _time.Elapsed - _state.EpochTime;
        if (!Train(started))
        {
            return false;
        }

        learner.Share(settings.Ranks);
        _state = _state with { EpochTime = _time.Elapsed - started };
        var imagesPerSecond = _state.Tally.Seen / _state.EpochTime.TotalSeconds;
        var result = Validate(started, imagesPerSecond) with { AugmentationTime = learner.Training.Busy };
        FinishEpoch(result);
        _freeBuffers.AfterEpoch(_time.Elapsed);
        reporter.Report(Progress(result.Epoch, (result.Loss, result.Accuracy), imagesPerSecond) with
        {
            Finished = result,
            Samples = learner.Samples?.ToPredictions() ?? [],
        });
        WriteCheckpoint();
        return true;
    }

    private bool Train(TimeSpan started)
    {
        using var meter = new Meter(settings.Tensors);
        var reported = _time.Elapsed;
        var fineTuning = settings.FineTuning;
        learner.Network.FrozenLayers =
            LayerDepth.FirstTrained(learner.Network.Plan, fineTuning.Layers, _state.Epoch, fineTuning.EpochsPerUnfreezing);
        _freeBuffers.Interval = learner.Compiled is null ? FreeBuffers.OfAutograd : FreeBuffers.OfCompiledStep;
        var batches = _state.Step == Schedule.TotalSteps ? [] : learner.Training.Epoch(_state.Epoch, _state.Batch);
        foreach (var batch in batches)
        {
            TrainBatch(batch, meter);
            _freeBuffers.AfterBatch(_time.Elapsed);
            if (meter.IsFull)
            {
                Read(meter);
            }

            if (!EndsStep(batch))
            {
                continue;
            }

            if (!_state.WarmedUp && _state.Step % WarmupInterval == 0)
            {
                Read(meter);
                _state = _state with { WarmedUp = _state.Warmup.Accuracy >= _recipe.WarmupUntilAccuracy, Warmup = default };
            }

            if (Agree(reporter.IsDue(_time.Elapsed - reported) ? Moment.ReportDue : 0) != 0)
            {
                Read(meter);
                reported = _time.Elapsed;
                var imagesPerSecond = _state.Tally.Seen / (reported - started).TotalSeconds;
                reporter.Report(Progress(_state.Epoch, (_state.Tally.Loss, _state.Tally.Accuracy), imagesPerSecond));
            }

            if (_state.Step == Schedule.TotalSteps)
            {
                break;
            }

            var now = Agree(
                (_time.Elapsed >= settings.MaxDuration ? Moment.OutOfTime : 0)
                | (settings.CancellationToken.IsCancellationRequested ? Moment.Canceled : 0)
                | (_time.Elapsed - _lastCheckpoint >= settings.CheckpointInterval ? Moment.CheckpointDue : 0));
            if (now != 0)
            {
                Read(meter);
                _state = _state with { EpochTime = _time.Elapsed - started };
                WriteCheckpoint();
                ThrowIfCanceled(now);
            }

            if (now.HasFlag(Moment.OutOfTime))
            {
                return false;
            }
        }

        Read(meter);
        return true;
    }

    private void TrainBatch(Batch batch, Meter meter)
    {
        learner.Network.StochasticDepth?.Roll(new Random(SeedMixer.Mix(settings.Seed, SeedUse.StochasticDepth, _state.Epoch, batch.Index)));
        var rate = Schedule.At(_state.Step, _state.Plateaus) * (_state.WarmedUp ? 1 : WarmupScale);
        ComputeGradients(batch, meter);
        var endsStep = EndsStep(batch);
        if (endsStep)
        {
            learner.Optimizer.Step(rate, learner.Compiled?.TrainedGradients, learner.Compiled?.Team);
        }

        _state = _state with { Batch = batch.Index + 1, LearningRate = rate, Step = _state.Step + (endsStep ? 1 : 0) };
        if (endsStep)
        {
            learner.Average?.Update(_state.Step, learner.Compiled?.Team);
        }
    }

    private void ComputeGradients(Batch batch, Meter meter)
    {
        if (learner.Compiled is { } compiled)
        {
            var continues = batch.Index % _recipe.GradientAccumulationSteps > 0;
            var (mean, correct) = compiled.Run(batch, BatchesInStep(batch.Index), accumulates: continues);
            meter.Add(batch.Count, correct, mean);
            return;
        }

        using var scope = NewDisposeScope();       // every tensor this batch makes is freed here, but for the gradients
        var logits = learner.Network.Forward(batch.Images, training: true);
        var loss = _trainingLoss.Of(logits, batch);
        using TorchSharp.Scalar perStep = BatchesInStep(batch.Index);
        loss.div(perStep).backward();
        meter.Add(batch.Count, _trainingLoss.Correct(logits, batch), loss);
    }

    private bool EndsStep(Batch batch) =>
        (batch.Index + 1) % _recipe.GradientAccumulationSteps == 0 || batch.Index + 1 == learner.Training.BatchesPerEpoch;

    // The last step of an epoch may be of fewer.
    private int BatchesInStep(int batch)
    {
        var first = batch / _recipe.GradientAccumulationSteps * _recipe.GradientAccumulationSteps;
        return Math.Min(_recipe.GradientAccumulationSteps, learner.Training.BatchesPerEpoch - first);
    }

    private EpochResult Validate(TimeSpan started, double imagesPerSecond)
    {
        var before = _time.Elapsed;
        var validated = learner.Validation is null ? (Tally?)null : _validation.Run(learner.Validation, WriteCheckpoint);
        return new EpochResult(
            _state.Epoch,
            _state.LearningRate,
            _state.Tally.Loss,
            _state.Tally.Accuracy,
            validated?.Loss,
            validated?.Accuracy,
            _time.Elapsed - started,
            imagesPerSecond)
        {
            Step = _state.Step,
            ValidationTime = _time.Elapsed - before,
        };
    }

    // Ranks have clocks and tokens of their own, but must do the same. Rank 0 tells what is due; any of them can end the training.
    private Moment Agree(Moment own)
    {
        var ranks = settings.Ranks;
        var told = ranks.Rank == 0 ? own : own & (Moment.OutOfTime | Moment.Canceled);
        return ranks.Size == 1 ? own : (Moment)ranks.All((long)told).Aggregate((some, other) => some | other);
    }

    private void ThrowIfCanceled(Moment now)
    {
        if (settings.Ranks.Size == 1)
        {
            settings.CancellationToken.ThrowIfCancellationRequested();
        }
        else if (now.HasFlag(Moment.Canceled))
        {
            throw new JobCanceledException(settings.CancellationToken);
        }
    }

    private void FinishEpoch(EpochResult result)
    {
        learner.Keep();
        var (best, plateau) = (_state.Best, _state.Plateau);
        if (result.ValidationLoss is not null)
        {
            _best = KeepsBest && best.IsBetter(result, _recipe.Metric) ? learner.Evaluated.ToWeights() : _best;
            (best, plateau) = (best.After(result, _recipe.Metric), plateau.After(result, _recipe.Metric));
        }

        var drops = plateau.EpochsSince >= _recipe.PlateauPatience;
        var stops = best.EpochsSince >= _recipe.EarlyStoppingPatience;
        _state = _state with
        {
            Epoch = _state.Epoch + 1,
            Batch = 0,
            Tally = default,
            EpochTime = default,
            Epochs = _state.Epochs.Add(result),
            Best = best,
            Plateau = drops ? plateau with { EpochsSince = 0 } : plateau,
            Plateaus = _state.Plateaus + (drops ? 1 : 0),
            IsFinished = stops || _state.Step == Schedule.TotalSteps,
            StoppedEarly = stops && _state.Step < Schedule.TotalSteps
                ? $"Validation did not become better for {best.EpochsSince} epochs; the network of epoch {best.Best!.Epoch} is returned."
                : null,
        };
    }

    // What there is by then counts as the result, but not as an epoch: the next call goes on from the checkpoint.
    private (ResNetWeights Weights, TrainingState End) OutOfTime()
    {
        learner.Share(settings.Ranks);
        var validated = Validate(_time.Elapsed - _state.EpochTime, _state.Tally.Seen / _state.EpochTime.TotalSeconds);
        var reason = FormattableString.Invariant(
            $"MaxDuration of {settings.MaxDuration} was over after step {_state.Step} of {Schedule.TotalSteps}.");
        reporter.Inform(reason);
        var isBest = validated.ValidationLoss is null || _best is null || _state.Best.IsBetter(validated, _recipe.Metric);
        var end = _state with { Epochs = _state.Epochs.Add(validated), StoppedEarly = reason };
        return (isBest ? learner.Evaluated.ToWeights() : _best!, end);
    }

    private void WriteCheckpoint()
    {
        if (settings.Ranks.Rank > 0)
        {
            return;
        }

        var state = _state with { Slices = learner.Slices, Device = settings.Tensors.Device.ToString() };
        Checkpoint(state, _best is null ? learner.Save() : learner.Save().Concat(PrefixedWeights.Add(PrefixedWeights.Best, _best)));
        _lastCheckpoint = _time.Elapsed;
    }

    private void Read(Meter meter)
    {
        var (before, steps) = (_state.Tally, meter.Steps);
        var tally = meter.Read(before, out var notFinite);
        if (notFinite is { } offset)
        {
            var perStep = _recipe.GradientAccumulationSteps;
            var step = Math.Max(0, _state.Step - (steps - offset + perStep - 1) / perStep);
            throw new TrainingDivergedException(step + 1, Schedule.At(step, _state.Plateaus));
        }

        var warmup = new Tally(_state.Warmup.Seen + tally.Seen - before.Seen, _state.Warmup.Correct + tally.Correct - before.Correct, 0);
        _state = _state with { Tally = tally, Warmup = _state.WarmedUp ? default : warmup };
    }

    private TrainingProgress Progress(int epoch, (double Loss, double Accuracy) training, double imagesPerSecond)
    {
        var imagesPerStep = (double)learner.Training.ImageCount / learner.Training.BatchesPerEpoch * _recipe.GradientAccumulationSteps;
        var left = TimeSpan.FromSeconds((Schedule.TotalSteps - _state.Step) * imagesPerStep / imagesPerSecond);
        var validation = _state.Epochs.IsEmpty ? null : _state.Epochs[^1].ValidationAccuracy;
        return new TrainingProgress(
            epoch,
            length.Epochs,
            _state.Step,
            Schedule.TotalSteps,
            training.Loss,
            training.Accuracy,
            validation,
            _state.LearningRate,
            imagesPerSecond,
            left);
    }

    /// <summary>What the time or the program asks for, between two steps.</summary>
    [Flags]
    private enum Moment
    {
        ReportDue = 1,
        OutOfTime = 2,
        Canceled = 4,
        CheckpointDue = 8,
    }
}
