namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>What a network takes for images of no class, of test images that all belong to one.</summary>
/// <param name="Threshold">The probability that some class must be above.</param>
/// <param name="Rejected">The images where none is: the false rejections.</param>
/// <param name="RightOfRejected">Those of them that would have been classified right.</param>
/// <param name="RightOfAccepted">Those of the others that are classified right.</param>
internal sealed record RejectionResult(
    double Threshold, Proportion Rejected, Proportion RightOfRejected, Proportion RightOfAccepted);
