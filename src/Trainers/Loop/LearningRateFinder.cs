using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Trains for some steps at an ever higher rate, and watches the loss (Smith, 2017, section 3.3: the range test).</summary>
internal static class LearningRateFinder
{
    // From where nothing is learned to where nothing survives.
    private const double Lowest = 1e-6;
    private const double Highest = 10;

    // The loss is an average over about ten steps, corrected for its start; fastai's fifty hide the fall where a hundred steps span seven
    // decades. As there, the search ends at four times the lowest.
    private const double Smoothing = 0.9;
    private const double RunAway = 4;

    private const double BelowLowestLoss = 10;

    /// <summary>Runs the search; the learner is not to be used afterwards.</summary>
    public static LearningRateSearch Run<T>(Learner<T> learner, TrainingLoss loss, int steps, CancellationToken cancellation)
        where T : unmanaged, INumberBase<T>
    {
        var (rates, losses) = (ImmutableArray.CreateBuilder<double>(), ImmutableArray.CreateBuilder<double>());
        var (average, lowest, step) = (0.0, double.PositiveInfinity, 0);
        foreach (var batch in Enumerable.Range(1, steps).SelectMany(epoch => learner.Training.Epoch(epoch)).Take(steps))
        {
            cancellation.ThrowIfCancellationRequested();
            var rate = Lowest * Math.Pow(Highest / Lowest, (double)step++ / Math.Max(1, steps - 1));
            average = Smoothing * average + (1 - Smoothing) * Step(learner, loss, batch, rate);
            var smoothed = average / (1 - Math.Pow(Smoothing, step));
            lowest = Math.Min(lowest, smoothed);
            if (!double.IsFinite(smoothed) || smoothed > RunAway * lowest)
            {
                break;
            }

            rates.Add(rate);
            losses.Add(smoothed);
        }

        return new LearningRateSearch(rates.ToImmutable(), losses.ToImmutable(), rates[losses.IndexOf(losses.Min())] / BelowLowestLoss);
    }

    private static double Step<T>(Learner<T> learner, TrainingLoss loss, Batch batch, double rate)
        where T : unmanaged, INumberBase<T>
    {
        using var scope = NewDisposeScope();
        var value = loss.Of(learner.Network.Forward(batch.Images, training: true), batch);
        value.backward();
        learner.Optimizer.Step(rate);
        return value.item<float>();
    }
}
