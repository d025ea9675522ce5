using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>A parameter of the network, with the optimizer's settings for it.</summary>
/// <param name="Name">Its name in the state dictionary.</param>
/// <param name="Tensor">The tensor, which stays the network's.</param>
/// <param name="RateScale">What the learning rate is multiplied by.</param>
/// <param name="Decays">Whether weight decay pulls at it.</param>
internal sealed record OptimizedParameter(string Name, Tensor Tensor, double RateScale, bool Decays)
{
    /// <summary>Gets the worker that takes its steps.</summary>
    /// <value>The default is 0, the first.</value>
    public int Worker { get; init; }

    /// <summary>Makes them for all parameters of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="layerDecay">What the rate is multiplied by per block on the way from the head to the image.</param>
    /// <param name="decayed">Which of them weight decay pulls at.</param>
    /// <param name="workers">The workers that share the work.</param>
    public static IEnumerable<OptimizedParameter> Of(
        ResidualNetwork network, double layerDecay, WeightDecayScope decayed, int workers = 1)
    {
        var specs = network.Plan.Weights.Where(spec => spec.IsParameter).ToArray();
        var worker = EvenShares.Of(specs.Select(spec => (long)spec.Size), workers);
        return specs.Zip(network.Parameters, LayerDepth.RateScales(network.Plan, layerDecay))
            .Select((each, i) => new OptimizedParameter(each.First.Name, each.Second, each.Third, IsDecayed(each.First.Role, decayed))
            {
                Worker = worker[i],
            });
    }

    private static bool IsDecayed(WeightRole role, WeightDecayScope scope) => scope switch
    {
        WeightDecayScope.Convolutions => role == WeightRole.ConvolutionWeight,
        WeightDecayScope.Weights => role is WeightRole.ConvolutionWeight or WeightRole.LinearWeight,
        _ => true,
    };
}
