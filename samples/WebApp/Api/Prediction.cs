namespace WebApp.Api;

/// <summary>What an image shows.</summary>
/// <param name="Model">The version of the model that answered: the beginning of its file's SHA-256.</param>
/// <param name="Unsure">Whether even the most probable class is below the service's threshold, <c>UnsureBelow</c>.</param>
/// <param name="Predictions">The most probable classes, most probable first.</param>
internal sealed record Prediction(string Model, bool Unsure, IReadOnlyList<ClassProbability> Predictions);
