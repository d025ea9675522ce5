namespace Microsoft.ML.ResNet.Scoring;

/// <summary>A network ready to score: its layers, their weights, and how pixels become its input.</summary>
internal sealed record ResNetModel(LayerPlan Plan, ResNetWeights Weights, ImagePreprocessing Preprocessing)
{
    /// <summary>Makes the network for a column: vectors are neither resized nor cropped, so there is no border to cut off and nothing to average.</summary>
    public ResNetModel For(ImageColumn image) => image.Source == PixelSource.Image
        ? this
        : this with { Preprocessing = Preprocessing with { CropBorder = 0, Supersampling = 1 } };
}
