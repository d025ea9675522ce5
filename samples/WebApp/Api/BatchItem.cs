using Microsoft.AspNetCore.Mvc;

namespace WebApp.Api;

/// <summary>The answer for one image of a batch: predictions, or an error. A bad image does not spoil the others.</summary>
/// <param name="Name">The name that the file was sent with.</param>
/// <param name="Unsure">
/// Whether even the most probable class is below the service's threshold, <c>UnsureBelow</c>; null if the image was refused.
/// </param>
/// <param name="Predictions">The most probable classes, most probable first; null if the image was refused.</param>
/// <param name="Error">Why the image was refused; null if it was classified.</param>
internal sealed record BatchItem(string Name, bool? Unsure, IReadOnlyList<ClassProbability>? Predictions, ProblemDetails? Error);
