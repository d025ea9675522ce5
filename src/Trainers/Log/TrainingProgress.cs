using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet.History;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Where training stands. Reported about once a second, and at the end of every epoch.</summary>
/// <param name="Epoch">The epoch under way, or just finished, counted from 1.</param>
/// <param name="Epochs">The epochs of the whole run.</param>
/// <param name="Step">The steps taken so far, in the whole run.</param>
/// <param name="Steps">The steps of the whole run.</param>
/// <param name="Loss">The mean cross-entropy over this epoch's images so far, in nats.</param>
/// <param name="TrainingAccuracy">The share of this epoch's images so far that were classified right when trained on; 0 to 1.</param>
/// <param name="ValidationAccuracy">
/// The share of the validation images classified right after the last finished epoch; 0 to 1; null before, and without validation.
/// </param>
/// <param name="LearningRate">The learning rate of the last step.</param>
/// <param name="ImagesPerSecond">Training images per second in this epoch.</param>
/// <param name="TimeLeft">An estimate of the time until the last epoch ends.</param>
public sealed record TrainingProgress(
    int Epoch,
    int Epochs,
    long Step,
    long Steps,
    double Loss,
    double TrainingAccuracy,
    double? ValidationAccuracy,
    double LearningRate,
    double ImagesPerSecond,
    TimeSpan TimeLeft)
{
    /// <summary>Gets the epoch's result, if this report ends one.</summary>
    /// <value><see langword="null"/> for reports within an epoch.</value>
    public EpochResult? Finished { get; init; }

    /// <summary>
    /// Gets what the network predicts of some validation images: see <see cref="ResNetTrainer.Options.SamplePredictions"/>.
    /// </summary>
    /// <value>Empty for reports within an epoch, and where no samples are asked for.</value>
    public ImmutableArray<SamplePrediction> Samples { get; init; } = [];

    /// <summary>Writes where training stands as one line to show.</summary>
    /// <returns>
    /// The same in every culture, for example <c>Epoch 3 of 30, step 120 of 1,200: loss 0.512, accuracy 81.2 %, validation 79.0 %,
    /// 812 images/s, 4 min 10 s left</c>.
    /// </returns>
    public override string ToString()
    {
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"Epoch {Epoch:n0} of {Epochs:n0}, step {Step:n0} of {Steps:n0}: ");
        line.Append(CultureInfo.InvariantCulture, $"loss {Loss:0.000}, accuracy {100 * TrainingAccuracy:0.0} %");
        if (ValidationAccuracy is { } validation)
        {
            line.Append(CultureInfo.InvariantCulture, $", validation {100 * validation:0.0} %");
        }

        line.Append(CultureInfo.InvariantCulture, $", {ImagesPerSecond:n0} images/s");
        if (Step < Steps)
        {
            line.Append(CultureInfo.InvariantCulture, $", {Durations.Text(Rounded(TimeLeft))} left");
        }

        return line.ToString();
    }

    // It is an estimate: hundredths of seconds would claim too much.
    private static TimeSpan Rounded(TimeSpan time) => TimeSpan.FromSeconds(Math.Ceiling(Math.Min(time.TotalSeconds, 1e9)));
}
