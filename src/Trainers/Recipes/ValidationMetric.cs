namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What says that one epoch is better than another.</summary>
public enum ValidationMetric
{
    /// <summary>A higher share of validation images classified right; at the same share, a lower loss.</summary>
    Accuracy,

    /// <summary>A lower mean cross-entropy on the validation images.</summary>
    Loss,
}
