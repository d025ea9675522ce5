using System.Collections.Immutable;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Tells which networks weights can belong to, by the names and shapes of their tensors.</summary>
internal static class TensorFit
{
    private const string HeadWeight = "fc.weight";

    // The first filters; those of deep stems have a number.
    private static readonly string[] StemWeights = ["conv1.weight", "conv1.0.weight"];

    /// <summary>
    /// Finds the networks of the library's table that have exactly these tensors; weights without a head are no less a network's.
    /// </summary>
    public static ImmutableArray<ResNetArchitecture> Candidates(ResNetWeights weights) =>
        [.. ResNetArchitecture.All.Where(architecture => Fits(architecture, weights))];

    /// <summary>Makes the plan that weights are held against: their number of channels and classes, and the size asked for.</summary>
    /// <returns>The plan; null where the weights have no first convolution.</returns>
    public static LayerPlan? Plan(ResNetArchitecture architecture, ResNetWeights weights, ImageShape? input = null)
    {
        var stem = StemWeights.Select(name => weights.TryGet(name, out var tensor) ? tensor : null)
            .FirstOrDefault(tensor => tensor is not null);
        if (stem is not { Shape: [_, > 0 and var channels, _, _] })
        {
            return null;
        }

        var classes = weights.TryGet(HeadWeight, out var head) && head.Shape is [> 0 and var outputs, _] ? outputs : 1;
        var size = architecture.DefaultImageSize;
        return LayerPlan.Create(architecture, input ?? new ImageShape(channels, size, size), classes);
    }

    private static bool Fits(ResNetArchitecture architecture, ResNetWeights weights)
    {
        if (Plan(architecture, weights) is not { } plan)
        {
            return false;
        }

        var wanted = weights.TryGet(HeadWeight, out _) ? plan.Weights : plan.Weights[..^plan.Head.Weights.Length];
        return wanted.Length == weights.Tensors.Length
            && wanted.All(spec => weights.TryGet(spec.Name, out var tensor) && tensor.Shape.SequenceEqual(spec.Shape));
    }
}
