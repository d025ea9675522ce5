namespace Studio.Training;

/// <summary>What a person asks for: a preset, and what differs from it.</summary>
/// <param name="Preset">quick, better or best.</param>
/// <param name="Start">pretrained, nothing, or the name of an earlier run.</param>
internal sealed record TrainingRequest(string Preset, string Start)
{
    public string? Network { get; init; }

    public int? ImageSize { get; init; }

    public int? Epochs { get; init; }

    public int? BatchSize { get; init; }

    public double? LearningRate { get; init; }

    public string? Layers { get; init; }

    public string? Recipe { get; init; }

    public int? Seed { get; init; }
}
