using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>The numbers of a report on a network that gives an image one label.</summary>
internal sealed record ClassificationReport : NetworkReport
{
    /// <summary>Gets the images classified right, of those tested.</summary>
    public required Proportion Accuracy { get; init; }

    /// <summary>
    /// Gets the images whose class is among the five likeliest; null where there are too few classes for that to say much.
    /// </summary>
    public required Proportion? TopFive { get; init; }

    /// <summary>Gets the mean recall of the classes that were tested.</summary>
    public required double MacroAccuracy { get; init; }

    public required ImmutableArray<ClassResult> Classes { get; init; }

    /// <summary>Gets every pair of classes that was confused, the most frequent first.</summary>
    public required ImmutableArray<Confusion> Confusions { get; init; }

    /// <summary>Gets the mistakes that the network was surest of, the worst first.</summary>
    public required ImmutableArray<Mistake> WorstMistakes { get; init; }

    /// <summary>Gets labels that are probably wrong; null where they were not given.</summary>
    public required LabelIssues? LabelIssues { get; init; }

    /// <summary>Gets what was taken for images of no class; null for a network that takes none for such.</summary>
    public required RejectionResult? Rejection { get; init; }

    public required CalibrationResult Calibration { get; init; }

    /// <summary>Gets the same with the logits divided by <see cref="Temperature"/>; null without data to fit it to.</summary>
    public required CalibrationResult? CalibrationAtTemperature { get; init; }

    public required double? Temperature { get; init; }

    /// <summary>
    /// Gets how the network does by the views it sees of an image, the single view first; empty where no others were asked for.
    /// </summary>
    public required ImmutableArray<ViewResult> Views { get; init; }

    /// <summary>Gets the mean cross-entropy in nats.</summary>
    public double LogLoss => Calibration.LogLoss;
}
