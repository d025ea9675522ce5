namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Which mean is subtracted from pixels before the network.</summary>
public enum MeanSubtraction
{
    /// <summary>One per channel.</summary>
    PerChannel,

    /// <summary>One per pixel and channel: the mean image of the training set (He et al., 2016, sections 3.4 and 4.2).</summary>
    PerPixel,
}
