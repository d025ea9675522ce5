namespace WebApp.Api;

/// <summary>What the images of a batch show.</summary>
/// <param name="Model">The version of the model that answered all of them: the beginning of its file's SHA-256.</param>
/// <param name="Images">An answer for each image, in the order of the request.</param>
internal sealed record BatchPrediction(string Model, IReadOnlyList<BatchItem> Images);
