using System.Collections.Immutable;
using Microsoft.ML.ResNet;

namespace PaperExperiments;

/// <summary>A network as the paper describes it; a figure that it does not give is null.</summary>
/// <param name="Architecture">The row of this library's table that must be this network.</param>
/// <param name="ClassCount">The classes that it tells apart.</param>
/// <param name="Layers">Layers with weights: convolutions and the last, fully connected one.</param>
/// <param name="Stages">Its convolutions, by the size of their results.</param>
internal sealed record PaperNetwork(ResNetArchitecture Architecture, int ClassCount, int Layers, ImmutableArray<PaperStage> Stages)
{
    /// <summary>Gets the multiply-adds of an image, in units of 10⁹, with the digits that were printed.</summary>
    public decimal? BillionMultiplyAdds { get; init; }

    /// <summary>Gets the parameters, in units of 10⁶, with the digits that were printed.</summary>
    public decimal? MillionParameters { get; init; }

    /// <summary>Gets the error on the test set in percent; where the paper gives several runs, that of the best.</summary>
    public decimal? TestErrorPercent { get; init; }
}
