using Microsoft.ML.ResNet;

namespace Studio.Training;

/// <summary>The weights that a run starts from, and their network; both null to start from nothing.</summary>
internal sealed record StartingPoint(ResNetWeights? Weights, ResNetArchitecture? Architecture)
{
    public static readonly StartingPoint Nothing = new(null, null);
}
