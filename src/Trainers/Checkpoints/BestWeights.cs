namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>The weights of the best epoch, which go with every checkpoint under names of their own.</summary>
internal static class BestWeights
{
    private const string Prefix = "best.";

    public static IEnumerable<WeightTensor> Prefixed(ResNetWeights best) => best.Tensors.Select(tensor => new WeightTensor(Prefix + tensor.Name, tensor.Shape, tensor.Values));

    public static ResNetWeights From(ResNetWeights checkpoint, LayerPlan plan) =>
        new(plan.Weights.Select(spec => new WeightTensor(spec.Name, spec.Shape, checkpoint[Prefix + spec.Name].Values)));
}
