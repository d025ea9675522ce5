namespace WebApp.Models;

/// <summary>What the service says of itself.</summary>
/// <param name="Status">Whether there is a model to classify with.</param>
/// <param name="Detail">More about it: how training goes, or what went wrong.</param>
/// <param name="Progress">The share of the training that is done, 0 to 1.</param>
internal sealed record ModelStatus(ModelState Status, string? Detail = null, double? Progress = null);
