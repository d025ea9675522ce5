namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What the horizontal axis of <see cref="TrainingCurves"/> counts.</summary>
public enum CurveAxis
{
    /// <summary>Iterations where all histories tell their steps, and otherwise epochs.</summary>
    Auto,

    /// <summary>
    /// Steps of the optimizer, as in the paper. With batches of different sizes, runs see different numbers of images at the same place.
    /// </summary>
    Iterations,

    /// <summary>Epochs: at the same place all runs have seen their images equally often, whatever their batch size.</summary>
    Epochs,
}
