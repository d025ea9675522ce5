namespace Microsoft.ML.ResNet;

/// <summary>What one epoch of training came to.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="LearningRate">The learning rate of its last step.</param>
/// <param name="Loss">The mean cross-entropy over the epoch's training images, in nats, each taken when it was trained on.</param>
/// <param name="Accuracy">The share of the training images classified right, likewise; 0 to 1.</param>
/// <param name="ValidationLoss">The mean cross-entropy on the validation images after the epoch, in nats; null without validation.</param>
/// <param name="ValidationAccuracy">The share of the validation images classified right after the epoch; 0 to 1; null without
/// validation.</param>
/// <param name="Duration">How long the epoch took, validation included.</param>
/// <param name="ImagesPerSecond">Training images per second, validation not included.</param>
public sealed record EpochResult(
    int Epoch,
    double LearningRate,
    double Loss,
    double Accuracy,
    double? ValidationLoss,
    double? ValidationAccuracy,
    TimeSpan Duration,
    double ImagesPerSecond)
{
    /// <summary>Gets the steps taken by the end of the epoch, in the whole run.</summary>
    /// <value>0, the default, where it is not known.</value>
    public long Step { get; init; }

    /// <summary>
    /// Gets how long the thread that makes batches worked, augmentation and normalization included. It works beside the training step.
    /// </summary>
    /// <value>0, the default, where it was not measured.</value>
    public TimeSpan AugmentationTime { get; init; }

    /// <summary>Gets the part of <see cref="Duration"/> that validation took.</summary>
    /// <value>0, the default, where it was not measured, and without validation.</value>
    public TimeSpan ValidationTime { get; init; }
}
