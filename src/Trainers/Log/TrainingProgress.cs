namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Where training stands. Reported about once a second, and at the end of every epoch.</summary>
/// <param name="Epoch">The epoch under way, or just finished, counted from 1.</param>
/// <param name="Epochs">The epochs of the whole run.</param>
/// <param name="Step">The steps taken so far, in the whole run.</param>
/// <param name="Steps">The steps of the whole run.</param>
/// <param name="Loss">The mean cross-entropy over this epoch's images so far, in nats.</param>
/// <param name="TrainingAccuracy">The share of this epoch's images so far that were classified right when trained on; 0 to 1.</param>
/// <param name="ValidationAccuracy">The share of the validation images classified right after the last finished epoch; 0 to 1; null before, and without validation.</param>
/// <param name="LearningRate">The learning rate of the last step.</param>
/// <param name="ImagesPerSecond">Training images per second in this epoch.</param>
/// <param name="TimeLeft">An estimate of the time until the last epoch ends.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, long Step, long Steps, double Loss, double TrainingAccuracy, double? ValidationAccuracy, double LearningRate, double ImagesPerSecond, TimeSpan TimeLeft)
{
    /// <summary>Gets the epoch's result, if this report ends one.</summary>
    /// <value><see langword="null"/> for reports within an epoch.</value>
    public EpochResult? Finished { get; init; }
}
