using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet;

public sealed partial class ResNetWeights
{
    /// <summary>Picks the weights of a network, and checks that they are all there.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="strict"><see langword="true"/>, the default, to take nothing but what fits exactly. <see langword="false"/> to allow a
    /// head of another number of classes, or none, and nothing else: for a network that shall learn other classes, or give features.
    /// </param>
    /// <returns>
    /// The tensors in the order of <see cref="LayerPlan.Weights"/>, with <see cref="Preprocessing"/>, <see cref="ClassNames"/> and the
    /// network's name. Where another head was allowed, its two tensors and the names of its classes are left out.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// Tensors are missing, unexpected or of another shape: the message lists the first ten of each with their shapes, and says which
    /// networks of <see cref="ResNetArchitecture.All"/> the weights do fit.
    /// </exception>
    public ResNetWeights For(LayerPlan plan, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var withoutHead = !strict && WeightsMatch.HasNoHeadFor(this, plan);
        var wanted = withoutHead ? plan.Weights[..^plan.Head.Weights.Length] : plan.Weights;
        var match = WeightsMatch.Of(this, plan, ignoreHead: withoutHead);
        return match.IsExact
            ? new ResNetWeights(wanted.Select(spec => this[spec.Name]))
            {
                Preprocessing = Preprocessing,
                ClassNames = withoutHead ? [] : ClassNames,
                ArchitectureName = plan.Architecture.Name,
                Architecture = plan.Architecture,
            }
            : throw new ArgumentException(match.Describe(), nameof(plan));
    }
}
