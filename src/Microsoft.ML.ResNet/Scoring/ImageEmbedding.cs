namespace Microsoft.ML.ResNet;

/// <summary>An image file, and the features that a network computes of it.</summary>
/// <param name="Path">The path of the file, as it was given.</param>
/// <param name="Features">The features: as many as <see cref="ResNetPredictor.FeatureCount"/> says.</param>
public sealed record ImageEmbedding(string Path, float[] Features);
