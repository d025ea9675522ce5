namespace PaperExperiments;

/// <summary>The layers whose results have one size.</summary>
/// <param name="OutputSize">Height and width in pixels.</param>
/// <param name="Layers">Convolutions, projections of shortcuts not among them.</param>
/// <param name="Filters">Channels that the last of them gives.</param>
internal readonly record struct PaperStage(int OutputSize, int Layers, int Filters);
