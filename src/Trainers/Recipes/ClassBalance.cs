namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What makes up for classes with few images.</summary>
public enum ClassBalance
{
    /// <summary>Nothing: every image counts the same.</summary>
    None,

    /// <summary>
    /// Weights in the loss: an image counts by the reciprocal of its class's share, so that all classes weigh the same in sum.
    /// Where an image has any number of labels: for each label, the images that have it weigh as much in sum as those that do not.
    /// </summary>
    Weights,

    /// <summary>
    /// Sampling: an epoch shows every class equally often. It keeps its number of images; those of small classes come several times.
    /// Not where an image has any number of labels.
    /// </summary>
    Sampling,
}
