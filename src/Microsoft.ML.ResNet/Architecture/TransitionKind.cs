namespace Microsoft.ML.ResNet;

/// <summary>How a stage begins: what halves the image and doubles the width.</summary>
public enum TransitionKind
{
    /// <summary>The first block of every stage but the first has a stride of 2 (He et al., 2016, section 3.3).</summary>
    Strided,

    /// <summary>
    /// Every stage begins with a 3×3 convolution that doubles the width, normalization, ReLU and 2×2 max pooling; its blocks change
    /// nothing, and it may have none (the ResNet-9 of Page, 2018, "How to Train Your ResNet", part 4:
    /// https://myrtle.ai/learn/how-to-train-your-resnet-4-architecture/).
    /// </summary>
    Pooled,
}
