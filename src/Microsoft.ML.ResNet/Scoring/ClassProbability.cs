namespace Microsoft.ML.ResNet;

/// <summary>A class, and how likely it is.</summary>
/// <param name="Label">The name of the class.</param>
/// <param name="Probability">0 to 1.</param>
public readonly record struct ClassProbability(string Label, float Probability);
