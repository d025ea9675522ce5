using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>The numbers of a report, as they are shown in HTML: those of every network.</summary>
internal abstract record NetworkReport
{
    public required string Title { get; init; }

    public required string? Recipe { get; init; }

    public required string Architecture { get; init; }

    public required long Parameters { get; init; }

    public required long MultiplyAdds { get; init; }

    public required ImageShape Input { get; init; }

    public required TrainingHistory History { get; init; }

    /// <summary>Gets what the model says about itself.</summary>
    public required ModelCard Card { get; init; }

    /// <summary>Gets other runs to draw beside it.</summary>
    public required ImmutableArray<(string Name, TrainingHistory History)> ComparedRuns { get; init; }

    /// <summary>Gets the number of rows left out because they have no label.</summary>
    public required long UnlabeledRows { get; init; }

    /// <summary>Gets the test images that look like training images; null where these were not given.</summary>
    public DuplicateResult? Duplicates { get; init; }

    /// <summary>Gets how strongly the layers respond; null where that was not asked for.</summary>
    public required ResponseResult? Responses { get; init; }
}

/// <summary>How strongly a network's layers respond.</summary>
/// <param name="Images">The images that they responded to.</param>
/// <param name="Layers">The 3×3 layers, from the image on.</param>
internal sealed record ResponseResult(long Images, ImmutableArray<LayerResponse> Layers);
