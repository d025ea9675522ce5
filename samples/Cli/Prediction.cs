namespace Cli;

/// <summary>What an image was found to be.</summary>
/// <param name="File">The image's path, or - for standard input.</param>
/// <param name="Classes">The likeliest classes, the likeliest first.</param>
internal sealed record Prediction(string File, ClassProbability[] Classes);

/// <summary>A class and its probability.</summary>
/// <param name="Name">The class.</param>
/// <param name="Probability">0 to 1.</param>
internal sealed record ClassProbability(string Name, float Probability);
