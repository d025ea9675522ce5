using System.Collections.Immutable;
using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// <code>
/// for each epoch
///     for each batch: forward, loss, backward, step
///     measure on the validation images
///     report; keep the weights
/// </code>
/// </summary>
internal sealed class TrainingLoop<T>(
    ResidualNetwork network,
    SgdOptimizer optimizer,
    LearningRateSchedule schedule,
    BatchLoader<T> training,
    BatchLoader<T>? validation,
    ResNetTrainer.Options options,
    TrainingReporter reporter)
    where T : unmanaged, INumberBase<T>
{
    private long _step;
    private double _learningRate;
    private double? _validationAccuracy;

    /// <summary>Trains.</summary>
    /// <returns>The trained weights, the result of every finished epoch, and why training ended early, if it did.</returns>
    /// <exception cref="TrainingDivergedException">The loss was not finite in the first epoch.</exception>
    public (ResNetWeights Weights, ImmutableArray<EpochResult> Epochs, string? StoppedEarly) Run()
    {
        var results = ImmutableArray.CreateBuilder<EpochResult>();
        ResNetWeights? lastGood = null;
        for (var epoch = 1; epoch <= options.Epochs; epoch++)
        {
            try
            {
                results.Add(RunEpoch(epoch));
            }
            catch (TrainingDivergedException exception) when (lastGood is not null)
            {
                var reason = $"{exception.Message} The network of epoch {epoch - 1} is returned.";
                reporter.Warn(reason);
                return (lastGood, results.ToImmutable(), reason);
            }

            lastGood = network.ToWeights();
        }

        return (lastGood!, results.ToImmutable(), null);
    }

    private EpochResult RunEpoch(int epoch)
    {
        network.FrozenLayers = LayerDepth.FirstTrained(network.Plan, options.TrainableLayers, epoch, options.EpochsPerUnfreezing);
        var clock = Stopwatch.StartNew();
        var tally = Train(epoch, clock);
        var imagesPerSecond = tally.Seen / clock.Elapsed.TotalSeconds;
        var validated = validation is null ? (Tally?)null : Evaluate(validation);
        _validationAccuracy = validated?.Accuracy;

        var result = new EpochResult(epoch, _learningRate, tally.Loss, tally.Accuracy, validated?.Loss, validated?.Accuracy, clock.Elapsed, imagesPerSecond);
        reporter.Report(Progress(epoch, tally, imagesPerSecond) with { Finished = result });
        return result;
    }

    private Tally Train(int epoch, Stopwatch clock)
    {
        using var meter = new Meter();
        var tally = default(Tally);
        var reported = clock.Elapsed;
        foreach (var batch in training.Epoch(epoch))
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            TrainStep(batch, meter);
            if (meter.IsFull || reporter.IsDue(clock.Elapsed - reported))
            {
                tally += Read(meter);
                reported = clock.Elapsed;
                reporter.Report(Progress(epoch, tally, tally.Seen / clock.Elapsed.TotalSeconds));
            }
        }

        return tally + Read(meter);
    }

    private void TrainStep(Batch batch, Meter meter)
    {
        using var scope = NewDisposeScope();       // every tensor this step makes is freed here
        _learningRate = schedule.At(_step++);
        var logits = network.Forward(batch.Images, training: true);
        var loss = Loss(logits, batch);
        loss.backward();
        optimizer.Step(_learningRate);
        meter.Add(logits, batch.Labels, loss);
    }

    private Tally Evaluate(BatchLoader<T> images)
    {
        using var noGradients = no_grad();
        using var meter = new Meter();
        var tally = default(Tally);
        foreach (var batch in images.Epoch(0))
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var logits = network.Forward(batch.Images, training: false);
            meter.Add(logits, batch.Labels, Loss(logits, batch));
            if (meter.IsFull)
            {
                tally += meter.Read(out _);
            }
        }

        return tally + meter.Read(out _);
    }

    // The mean cross-entropy, weighted where the data has weights. A batch of zero weights teaches nothing, and divides by nothing.
    private Tensor Loss(Tensor logits, Batch batch)
    {
        if (options.ExampleWeightColumnName is null)
        {
            return F.cross_entropy(logits, batch.Labels);
        }

        var weights = batch.Weights;
        return F.cross_entropy(logits, batch.Labels, reduction: nn.Reduction.None).mul(weights).sum() / weights.sum().clamp_min(float.Epsilon);
    }

    private Tally Read(Meter meter)
    {
        var first = _step - meter.Steps;
        var tally = meter.Read(out var notFinite);
        return notFinite is { } offset ? throw new TrainingDivergedException(first + offset + 1, schedule.At(first + offset)) : tally;
    }

    private TrainingProgress Progress(int epoch, Tally tally, double imagesPerSecond)
    {
        var left = TimeSpan.FromSeconds((schedule.TotalSteps - _step) * ((double)training.ImageCount / training.BatchesPerEpoch) / imagesPerSecond);
        return new TrainingProgress(
            epoch, options.Epochs, _step, schedule.TotalSteps, tally.Loss, tally.Accuracy, _validationAccuracy, _learningRate, imagesPerSecond, left);
    }
}
