namespace Microsoft.ML.ResNet;

/// <summary>The residual function F(x) that a block computes, and where its activations sit.</summary>
public enum BlockKind
{
    /// <summary>Two 3×3 convolutions (He et al., 2016, figure 5). Used by ResNet-18 and 34 and by all CIFAR networks.</summary>
    Basic,

    /// <summary>1×1, 3×3 and 1×1 convolutions; the last one widens four times (figure 5). Used by ResNet-50, 101 and 152.</summary>
    Bottleneck,

    /// <summary>
    /// <see cref="Basic"/> with normalization and activation before each convolution, and none after the addition ("v2": He et al., 2016,
    /// "Identity Mappings in Deep Residual Networks", figure 1b). Where dimensions change, the shortcut projects the activated input.
    /// </summary>
    PreActivationBasic,

    /// <summary><see cref="Bottleneck"/> with normalization and activation before each convolution.</summary>
    PreActivationBottleneck,
}
