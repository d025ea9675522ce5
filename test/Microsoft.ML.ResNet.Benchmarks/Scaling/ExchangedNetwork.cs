using System.Collections.Immutable;

namespace Benchmarks.Scaling;

/// <summary>What the ranks of a job exchange in a step of a network.</summary>
/// <param name="Name">The network's name.</param>
/// <param name="Gradients">The numbers of its gradients, but for those of normalizations, which every rank knows from the sums.</param>
/// <param name="Channels">The channels of its normalizations, each of which is a sum over all ranks in both directions.</param>
/// <param name="MultiplyAdds">Of one image.</param>
internal sealed record ExchangedNetwork(string Name, long Gradients, ImmutableArray<int> Channels, long MultiplyAdds)
{
    public static ExchangedNetwork Of(string name, int imageSize, int classes)
    {
        var plan = Microsoft.ML.ResNet.LayerPlan.Create(
            Microsoft.ML.ResNet.ResNetArchitecture.Parse(name), new(3, imageSize, imageSize), classes);
        var scales = plan.Weights.Where(weight => weight.Role == Microsoft.ML.ResNet.WeightRole.BatchNormWeight);
        int[] channels = [.. scales.Select(weight => weight.Size)];
        return new ExchangedNetwork(name, plan.ParameterCount - 2 * channels.Sum(), [.. channels], plan.MultiplyAdds);
    }
}
