namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How the learning rate falls after warm-up.</summary>
public enum LearningRateDecay
{
    /// <summary>It drops at given shares of the run, and is constant between them (He et al., 2016, section 4.2).</summary>
    Step,

    /// <summary>It follows half a cosine down to zero (Loshchilov and Hutter, 2017, without restarts).</summary>
    Cosine,

    /// <summary>
    /// It follows a straight line down to zero. With a long warm-up this is the one-cycle policy (Smith and Topin, 2018).
    /// </summary>
    Linear,

    /// <summary>
    /// It drops whenever the validation result has not become better for some epochs (He et al., 2016, section 3.4). Needs validation
    /// images.
    /// </summary>
    Plateau,
}
