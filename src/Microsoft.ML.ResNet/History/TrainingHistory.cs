using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet;

/// <summary>How a training run went.</summary>
public sealed partial record TrainingHistory
{
    /// <summary>Gets the result of every finished epoch.</summary>
    /// <value>In order. Empty for a network that was not trained here.</value>
    [JsonRequired]
    public ImmutableArray<EpochResult> Epochs { get; init; } = [];

    /// <summary>Gets the seed that all randomness came from.</summary>
    /// <value>Set it in the options to repeat the run.</value>
    public int Seed { get; init; }

    /// <summary>Gets the number of images trained on.</summary>
    /// <value>Validation images and skipped rows are not among them.</value>
    public int TrainingImages { get; init; }

    /// <summary>Gets the number of images held out for validation, or given for it.</summary>
    /// <value>0 without validation.</value>
    public int ValidationImages { get; init; }

    /// <summary>Gets the number of rows left out because their image could not be read.</summary>
    /// <value>0 unless the options say to skip them.</value>
    public int SkippedImages { get; init; }

    /// <summary>Gets how long it took to read and decode all images, before the first epoch.</summary>
    /// <value>0, the default, where it was not measured.</value>
    public TimeSpan ReadingTime { get; init; }

    /// <summary>Gets the temperature that calibration divided the logits by.</summary>
    /// <value>Above 1 if the network was too sure of itself. The default is 1: not calibrated.</value>
    public double Temperature { get; init; } = 1;

    /// <summary>Gets the probability that some class must be above, for an image to be of a known class.</summary>
    /// <value>
    /// 0 to 1: the column <c>IsUnknown</c> is true where none is above it. <see langword="null"/>, the default, where the options did not
    /// ask for it.
    /// </value>
    public float? UnknownThreshold { get; init; }

    /// <summary>Gets whether images had any number of labels. An image is then right, for accuracy, where all of its labels are.</summary>
    /// <value>The default is <see langword="false"/>: one label for each image.</value>
    public bool IsMultilabel { get; init; }

    /// <summary>Gets why training ended before its last epoch, if it did.</summary>
    /// <value><see langword="null"/> after a full run; otherwise a sentence.</value>
    public string? StoppedEarly { get; init; }

    /// <summary>Gets what tells that the network learned nothing, if it did not.</summary>
    /// <remarks>
    /// A network that always names the largest class is right as often as that class has images. Training became better than chance
    /// if in one epoch the accuracy on training or on validation images was above that share by more than luck explains: by Chernoff's
    /// bound, with a probability of error of 5 % over all epochs. Where <c>ClassBalance.Weights</c> balances the classes nothing is
    /// said: accuracy is not what is learned then.
    /// </remarks>
    /// <value><see langword="null"/> where training became better than chance; otherwise a sentence with the accuracies.</value>
    public string? NoBetterThanChance { get; init; }

    /// <summary>Gets what was in force: recipe, data, machine and versions.</summary>
    /// <value><see langword="null"/>, the default, for a network that was not trained here, and in files of earlier versions.</value>
    public TrainingConditions? Conditions { get; init; }

    /// <summary>Adds up a time over all epochs.</summary>
    internal TimeSpan Sum(Func<EpochResult, TimeSpan> part) => Epochs.Aggregate(TimeSpan.Zero, (sum, epoch) => sum + part(epoch));
}
