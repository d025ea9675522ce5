namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>The weights of several networks in one checkpoint, told apart by what stands before their names.</summary>
internal static class PrefixedWeights
{
    /// <summary>Those of the best epoch.</summary>
    public const string Best = "best.";

    /// <summary>Those of the moving average.</summary>
    public const string Average = "average.";

    /// <summary>Puts a prefix before every name.</summary>
    public static IEnumerable<WeightTensor> Add(string prefix, ResNetWeights weights) =>
        weights.Tensors.Select(tensor => new WeightTensor(prefix + tensor.Name, tensor.Shape, tensor.Values));

    /// <summary>Finds the weights of a network under a prefix.</summary>
    public static ResNetWeights Find(string prefix, ResNetWeights checkpoint, LayerPlan plan) =>
        new(plan.Weights.Select(spec => new WeightTensor(spec.Name, spec.Shape, checkpoint[prefix + spec.Name].Values)));
}
