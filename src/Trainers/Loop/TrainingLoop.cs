using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;

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
    private readonly BatchTraining<T> _batches = new(learner, settings);
    private readonly RankMoments _moments = new(settings.Ranks, settings.CancellationToken);
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
        _batches.Dispose();
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

            if (!_batches.EndsStep(batch))
            {
                continue;
            }

            if (!_state.WarmedUp && _state.Step % WarmupInterval == 0)
            {
                Read(meter);
                _state = _state with { WarmedUp = _state.Warmup.Accuracy >= _recipe.WarmupUntilAccuracy, Warmup = default };
            }

            if (_moments.Agree(reporter.IsDue(_time.Elapsed - reported) ? Moment.ReportDue : Moment.None) != Moment.None)
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

            var now = _moments.Agree(
                (_time.Elapsed >= settings.MaxDuration ? Moment.OutOfTime : Moment.None)
                | (settings.CancellationToken.IsCancellationRequested ? Moment.Canceled : Moment.None)
                | (_time.Elapsed - _lastCheckpoint >= settings.CheckpointInterval ? Moment.CheckpointDue : Moment.None));
            if (now != Moment.None)
            {
                Read(meter);
                _state = _state with { EpochTime = _time.Elapsed - started };
                WriteCheckpoint();
                _moments.ThrowIfCanceled(now);
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
        var rate = Schedule.At(_state.Step, _state.Plateaus) * (_state.WarmedUp ? 1 : WarmupScale);
        _batches.Train(batch, _state.Epoch, _state.Step, rate, meter);
        var steps = _batches.EndsStep(batch) ? 1 : 0;
        _state = _state with { Batch = batch.Index + 1, LearningRate = rate, Step = _state.Step + steps };
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
}
