namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>The ways to compute a convolution and its gradients, in the order in which they are tried.</summary>
internal enum ConvolutionMethod
{
    /// <summary>Torch's own, with <see cref="NarrowConvolution"/> for the gradient of the filters.</summary>
    Narrow,

    /// <summary>Torch's own.</summary>
    Direct,

    /// <summary>
    /// Torch's own, with one more channel, of zeros. Images of one channel lie in memory the same way in both of Torch's layouts; those of
    /// two do not.
    /// </summary>
    PaddedChannel,

    /// <summary>One matrix product over all positions of all images.</summary>
    MatrixProduct,

    /// <summary>In float32, and rounded: the last resort of narrower types.</summary>
    Float32,
}
