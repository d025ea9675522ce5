namespace Microsoft.ML.ResNet.Evaluation;

/// <summary>What is counted over images, from which shares are computed at the end.</summary>
/// <param name="Images">The images.</param>
/// <param name="ExactMatches">Those of which every label is right.</param>
/// <param name="WrongLabels">The labels that are wrong, over all images.</param>
/// <param name="LogLossSum">The sum of all binary cross-entropies, in nats.</param>
internal readonly record struct LabelCounts(long Images, long ExactMatches, long WrongLabels, double LogLossSum);
