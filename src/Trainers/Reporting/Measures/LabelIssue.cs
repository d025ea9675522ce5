using Microsoft.ML.ResNet.Trainers.Reporting.Measures;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>A label that is probably wrong.</summary>
/// <param name="Row">The number of the row in the data, counted from 0.</param>
/// <param name="Path">The image's path; <see langword="null"/> where the data does not tell.</param>
/// <param name="Label">The class that the image is labelled with.</param>
/// <param name="Suggested">The class that it probably belongs to.</param>
/// <param name="Probability">The probability of the label, by a head that did not learn from this image.</param>
/// <param name="SuggestedProbability">The probability of the suggested class, by the same head.</param>
public sealed record LabelIssue(
    long Row, string? Path, string Label, string Suggested, float Probability, float SuggestedProbability)
{
    /// <summary>Gets by how much the suggested class is likelier than the label: the list's order.</summary>
    /// <value>Above 0, up to 1: the larger, the surer.</value>
    public float Margin => SuggestedProbability - Probability;

    /// <summary>Gets a small picture.</summary>
    /// <value>Null where none was asked for, or the data has no images.</value>
    internal Thumbnail? Thumbnail { get; init; }
}
