using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What the network predicts of one validation image, at the end of an epoch.</summary>
/// <param name="Row">
/// The image's row, counted from 0: in the validation data; in the training data, where a share of it is held out to validate on.
/// </param>
/// <param name="Scores">The probability of each class, in the order of the label column's values.</param>
public sealed record SamplePrediction(long Row, ImmutableArray<float> Scores);
