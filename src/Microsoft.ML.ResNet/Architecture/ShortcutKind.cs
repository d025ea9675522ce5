namespace Microsoft.ML.ResNet;

/// <summary>What runs beside a block's convolutions and is added to their result (He et al., 2016, section 4.1).</summary>
public enum ShortcutKind
{
    /// <summary>Nothing: the plain network that the paper compares with.</summary>
    None,

    /// <summary>
    /// Option A: identity. Where dimensions change, every second pixel is taken and the new channels are zero, half of them before
    /// and half after the old ones. No parameters.
    /// </summary>
    A,

    /// <summary>Option B: identity, and a 1×1 convolution with batch normalization only where dimensions change.</summary>
    B,

    /// <summary>Option C: a 1×1 convolution with batch normalization in every block.</summary>
    C,

    /// <summary>
    /// Option B with 2×2 average pooling before the 1×1 convolution, which then needs no stride and skips no pixel (ResNet-D: He et al.,
    /// 2019, "Bag of Tricks", figure 2c).
    /// </summary>
    D,
}
