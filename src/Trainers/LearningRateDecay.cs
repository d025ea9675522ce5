namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How the learning rate falls after warm-up.</summary>
public enum LearningRateDecay
{
    /// <summary>In steps, at given shares of the run: the paper's way.</summary>
    Step,

    /// <summary>Along half a cosine, to zero at the end (Loshchilov and Hutter, 2017, without restarts). Usually better for short runs.</summary>
    Cosine,
}
