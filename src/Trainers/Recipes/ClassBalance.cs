namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What makes up for classes with few images.</summary>
public enum ClassBalance
{
    /// <summary>Nothing: every image counts the same.</summary>
    None,

    /// <summary>
    /// Weights in the loss: an image counts by the reciprocal of its class's share, so that all classes weigh the same in sum.
    /// </summary>
    Weights,

    /// <summary>
    /// Sampling: an epoch shows every class equally often. It keeps its number of images; those of small classes come several times.
    /// </summary>
    Sampling,
}
