namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// The loss became infinite or not a number before the first epoch was finished, so that there is no good network to return. Later in a
/// run this is not thrown: the network of the last good epoch is returned, and <see cref="TrainingHistory.StoppedEarly"/> says why.
/// </summary>
/// <param name="step">The step at which it happened.</param>
/// <param name="learningRate">The learning rate of that step.</param>
public sealed class TrainingDivergedException(long step, double learningRate) : Exception(Describe(step, learningRate))
{
    /// <summary>Gets the step at which the loss was no longer finite.</summary>
    /// <value>Counted from 1.</value>
    public long Step { get; } = step;

    /// <summary>Gets the learning rate of that step.</summary>
    /// <value>As the schedule gave it.</value>
    public double LearningRate { get; } = learningRate;

    internal static string Describe(long step, double learningRate) =>
        FormattableString.Invariant(
            $"The loss was no longer a finite number at step {step}, at a learning rate of {learningRate:g4}. ")
        + "Train with a smaller LearningRate, or with a larger WarmupFraction.";
}
