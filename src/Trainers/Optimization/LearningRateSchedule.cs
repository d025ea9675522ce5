using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>The learning rate as a function of the step: a linear warm-up, then a fall.</summary>
/// <param name="Peak">The rate after warm-up.</param>
/// <param name="TotalSteps">The steps of the whole run.</param>
/// <param name="WarmupSteps">The steps over which the rate grows to its peak.</param>
/// <param name="Drops">The shares of the run, ascending in 0 to 1, at which the rate drops.</param>
/// <param name="DropFactor">What the rate is multiplied by at each drop.</param>
/// <param name="Decay">Whether the rate drops in steps, or falls along a cosine.</param>
internal sealed record LearningRateSchedule(
    double Peak, long TotalSteps, long WarmupSteps, ImmutableArray<double> Drops, double DropFactor, LearningRateDecay Decay = LearningRateDecay.Step)
{
    /// <summary>Gets the rate for a step.</summary>
    /// <param name="step">The step, counted from 0.</param>
    public double At(long step)
    {
        if (step < WarmupSteps)
        {
            return Peak * (step + 1) / (WarmupSteps + 1);
        }

        return Decay == LearningRateDecay.Cosine
            ? Peak * 0.5 * (1 + Math.Cos(Math.PI * (step - WarmupSteps) / (TotalSteps - WarmupSteps)))
            : Peak * Math.Pow(DropFactor, Drops.Count(share => step >= share * TotalSteps));
    }
}
