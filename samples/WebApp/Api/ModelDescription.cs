namespace WebApp.Api;

/// <summary>The model that is in use, and what the service accepts.</summary>
/// <param name="Name">The name of its file.</param>
/// <param name="Version">The beginning of the file's SHA-256.</param>
/// <param name="Size">The size of the file in bytes.</param>
/// <param name="LoadedAt">When it was loaded.</param>
/// <param name="Classes">The names of its classes.</param>
/// <param name="UnsureBelow">The probability that an image's best class must have, or the answer says unsure; 0 if it never does.</param>
/// <param name="Limits">What the service accepts.</param>
internal sealed record ModelDescription(
    string Name, string Version, long Size, DateTimeOffset LoadedAt,
    IReadOnlyList<string> Classes, float UnsureBelow, AcceptedSizes Limits);
