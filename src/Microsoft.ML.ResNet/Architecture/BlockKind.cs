namespace Microsoft.ML.ResNet;

/// <summary>The residual function F(x) that a block computes (He et al., 2016, figure 5).</summary>
public enum BlockKind
{
    /// <summary>Two 3×3 convolutions. Used by ResNet-18 and 34 and by all CIFAR networks.</summary>
    Basic,

    /// <summary>1×1, 3×3 and 1×1 convolutions; the last one widens four times. Used by ResNet-50, 101 and 152.</summary>
    Bottleneck,
}
