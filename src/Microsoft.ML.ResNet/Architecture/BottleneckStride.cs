namespace Microsoft.ML.ResNet;

/// <summary>Which convolution of a bottleneck halves the image.</summary>
public enum BottleneckStride
{
    /// <summary>The first 1×1, as in the paper ("v1"): 3.8 G multiply-adds for ResNet-50.</summary>
    First,

    /// <summary>The 3×3, as in torchvision's networks and checkpoints ("v1.5"): 4.1 G multiply-adds for ResNet-50.</summary>
    Middle,
}
