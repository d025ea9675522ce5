namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Which parameters are pulled towards zero.</summary>
public enum WeightDecayScope
{
    /// <summary>All of them, as most implementations of the paper do.</summary>
    All,

    /// <summary>
    /// The filters and the head's matrix; not biases, nor what scales and shifts in batch normalization (He, T. et al., 2019, section 3.1).
    /// </summary>
    Weights,

    /// <summary>The filters of convolutions only, as the paper's authors did.</summary>
    Convolutions,
}
