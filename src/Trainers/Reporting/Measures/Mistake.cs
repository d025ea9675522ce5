namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>An image that was classified wrong.</summary>
/// <param name="Row">The number of its row in the test data.</param>
/// <param name="Class">The index of its class.</param>
/// <param name="Predicted">The index of the class it was given to.</param>
/// <param name="Probability">The probability of the latter.</param>
/// <param name="ProbabilityOfClass">The probability of the former.</param>
/// <param name="Path">The image's path; null where the data does not tell.</param>
/// <param name="Thumbnail">A small picture; null where the data holds no pixels that can be shown.</param>
/// <param name="HeatMaps">Where the network looked; null where that was not asked for.</param>
internal sealed record Mistake(
    long Row,
    int Class,
    int Predicted,
    float Probability,
    float ProbabilityOfClass,
    string? Path,
    Thumbnail? Thumbnail,
    HeatMaps? HeatMaps = null);
