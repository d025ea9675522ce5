namespace Microsoft.ML.ResNet;

/// <summary>The layers before the first block.</summary>
public enum StemKind
{
    /// <summary>7×7 convolution with stride 2, then 3×3 max pooling with stride 2 (He et al., 2016, table 1).</summary>
    ImageNet,

    /// <summary>3×3 convolution with stride 1 and no pooling (He et al., 2016, section 4.2).</summary>
    SmallImage,

    /// <summary>
    /// Three 3×3 convolutions, the first with stride 2, in place of the 7×7, then max pooling (ResNet-C and D: He et al., 2019, figure 2b).
    /// </summary>
    Deep,
}
