using System.Collections.Immutable;

namespace Benchmarks.Scaling;

/// <summary>What the ranks of a job exchange in a step of a network.</summary>
/// <param name="Name">The network's name.</param>
/// <param name="Layers">The layers with gradients to exchange, from the image on.</param>
/// <param name="Channels">The channels of its normalizations, each of which is a sum over all ranks in both directions.</param>
internal sealed record ExchangedNetwork(string Name, ImmutableArray<ExchangedLayer> Layers, ImmutableArray<int> Channels)
{
    /// <summary>Gets the numbers of its gradients, but for those of normalizations, which every rank knows from the sums.</summary>
    public long Gradients => Layers.Sum(layer => layer.Gradients);

    /// <summary>Gets the multiply-adds of one image.</summary>
    public long MultiplyAdds => Layers.Sum(layer => layer.MultiplyAdds);

    public static ExchangedNetwork Of(string name, int imageSize, int classes)
    {
        var plan = Microsoft.ML.ResNet.LayerPlan.Create(
            Microsoft.ML.ResNet.ResNetArchitecture.Parse(name), new(3, imageSize, imageSize), classes);
        return new ExchangedNetwork(
            name,
            [
                .. plan.Layers.Where(layer => layer is not Microsoft.ML.ResNet.BatchNormLayer && !layer.Weights.IsEmpty)
                    .Select(layer => new ExchangedLayer(layer.MultiplyAdds, layer.Weights.Sum(weight => (long)weight.Size))),
            ],
            [
                .. plan.Weights.Where(weight => weight.Role == Microsoft.ML.ResNet.WeightRole.BatchNormWeight)
                    .Select(weight => weight.Size),
            ]);
    }
}

/// <summary>A layer whose gradients are exchanged.</summary>
/// <param name="MultiplyAdds">Of one image.</param>
/// <param name="Gradients">Their number.</param>
internal readonly record struct ExchangedLayer(long MultiplyAdds, long Gradients);
