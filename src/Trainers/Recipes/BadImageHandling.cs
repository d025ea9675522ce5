namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What training does when an image cannot be decoded, or its file is truncated.</summary>
public enum BadImageHandling
{
    /// <summary>Training does not start; the exception names the file.</summary>
    Fail,

    /// <summary>The image is left out; how many were is reported, and kept in <see cref="TrainingHistory.SkippedImages"/>.</summary>
    Skip,
}
