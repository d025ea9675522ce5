namespace Microsoft.ML.ResNet;

/// <summary>An image that was found, and how much it is like the one that was asked for.</summary>
/// <param name="Path">The path of the file, as it was given.</param>
/// <param name="Similarity">The cosine of the angle between their features: 1 for the same direction, 0 for nothing in common.</param>
public readonly record struct SimilarImage(string Path, float Similarity);
