namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What <see cref="TrainingCurves"/> draws.</summary>
public enum CurveValue
{
    /// <summary>The share of the images that were classified wrong, in percent.</summary>
    Error,

    /// <summary>The mean cross-entropy, in nats.</summary>
    Loss,
}
