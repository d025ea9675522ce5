namespace Microsoft.ML.ResNet;

/// <summary>Two images that look alike to a network.</summary>
/// <param name="Path">An image of the collection that was searched with.</param>
/// <param name="Other">The image that is most like it in the other collection.</param>
/// <param name="Similarity">The cosine of the angle between their features: 1 for the same direction.</param>
public readonly record struct NearDuplicate(string Path, string Other, float Similarity);
