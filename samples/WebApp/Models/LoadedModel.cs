namespace WebApp.Models;

/// <summary>A classifier, and the file that it came from.</summary>
internal sealed record LoadedModel(Classifier Classifier, string FileName, long FileSize, DateTimeOffset LoadedAt);
