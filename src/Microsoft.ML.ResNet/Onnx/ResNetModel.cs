using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// A network ready to score: its layers, their weights, how pixels become its input, and how floats become integers, if they do.
/// </summary>
internal sealed record ResNetModel(
    LayerPlan Plan, ResNetWeights Weights, ImagePreprocessing Preprocessing, NetworkQuantization? Quantization = null)
{
    /// <summary>Gets what is told of the network in its ONNX graph; null for a network that was not trained here.</summary>
    public ModelCard? Card { get; init; }

    /// <summary>
    /// Gets the probability that some class must be above, for an image to be of a known class; null where every image is.
    /// </summary>
    public float? UnknownThreshold { get; init; }

    /// <summary>Gets whether an image has any number of labels, each with a probability of its own.</summary>
    public bool IsMultilabel { get; init; }

    /// <summary>
    /// Makes the network for a column: vectors are neither resized nor cropped, so there is no border to cut off and nothing to average.
    /// </summary>
    public ResNetModel For(ImageColumn image) => image.Source == PixelSource.Image
        ? this
        : this with { Preprocessing = Preprocessing with { CropBorder = 0, Supersampling = 1 } };
}
