using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>The learning rate as a function of the step: a linear warm-up, then a fall.</summary>
/// <param name="Peak">The rate after warm-up.</param>
/// <param name="TotalSteps">The steps of the whole run.</param>
/// <param name="WarmupSteps">The steps over which the rate grows to its peak.</param>
/// <param name="Drops">The shares of the run, ascending in 0 to 1, at which the rate drops, where it falls in steps.</param>
/// <param name="DropFactor">What the rate is multiplied by at each drop.</param>
/// <param name="Decay">How it falls.</param>
internal sealed record LearningRateSchedule(
    double Peak,
    long TotalSteps,
    long WarmupSteps,
    ImmutableArray<double> Drops,
    double DropFactor,
    LearningRateDecay Decay = LearningRateDecay.Step)
{
    /// <summary>Makes the schedule of a recipe.</summary>
    public static LearningRateSchedule Of(TrainingRecipe recipe, long totalSteps) => new(
        recipe.PeakLearningRate,
        totalSteps,
        (long)(recipe.WarmupFraction * totalSteps),
        recipe.LearningRateDrops,
        recipe.LearningRateDropFactor,
        recipe.LearningRateDecay);

    /// <summary>Gets the rate for a step.</summary>
    /// <param name="step">The step, counted from 0.</param>
    /// <param name="plateaus">The plateaus that validation has been on so far; they count where the rate falls on plateaus.</param>
    public double At(long step, int plateaus = 0)
    {
        if (step < WarmupSteps)
        {
            return Peak * (step + 1) / (WarmupSteps + 1);
        }

        var done = (double)(step - WarmupSteps) / (TotalSteps - WarmupSteps);
        return Decay switch
        {
            LearningRateDecay.Cosine => Peak * 0.5 * (1 + Math.Cos(Math.PI * done)),
            LearningRateDecay.Linear => Peak * (1 - done),
            LearningRateDecay.Plateau => Peak * Math.Pow(DropFactor, plateaus),
            _ => Peak * Math.Pow(DropFactor, Drops.Count(share => step >= share * TotalSteps)),
        };
    }
}
