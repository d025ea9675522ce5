using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>What is in a file of weights.</summary>
/// <param name="File">The file, or the name of published weights.</param>
/// <param name="Architecture">The network; null if the tensors are no network's that this library knows.</param>
/// <param name="Candidates">Every network that has exactly these tensors.</param>
/// <param name="Input">The image that the network reads; null if it is not known.</param>
/// <param name="Classes">The outputs of the head; null without one.</param>
/// <param name="ClassNames">Their names; empty where the file does not say.</param>
/// <param name="Preprocessing">How images become the input; null where the file does not say.</param>
/// <param name="Parameters">The trained values; of an unknown network, all values.</param>
/// <param name="MultiplyAdds">What one image of <paramref name="Input"/> costs, as the paper counts: convolutions and the head.</param>
/// <param name="Layers">The layers in the order of computation; empty for an unknown network.</param>
/// <param name="Tensors">The tensors in the order of the file.</param>
internal sealed record Inspection(
    string File, string? Architecture, string[] Candidates, ImageShape? Input, int? Classes, string[] ClassNames,
    InspectedPreprocessing? Preprocessing,
    long Parameters, long? MultiplyAdds, InspectedLayer[] Layers, InspectedTensor[] Tensors)
{
    /// <summary>Looks at weights.</summary>
    /// <param name="source">Where they are from.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="asked">The network, where the user says it.</param>
    /// <exception cref="ArgumentException">The weights do not fit the network that the user says.</exception>
    public static Inspection Of(string source, ResNetWeights weights, ResNetArchitecture? asked)
    {
        var candidates = TensorFit.Candidates(weights);
        var architecture = asked ?? weights.Architecture
            ?? candidates.FirstOrDefault(each => each.Name == weights.ArchitectureName)
            ?? candidates.FirstOrDefault();
        var plan = architecture is null ? null : TensorFit.Plan(architecture, weights, weights.Preprocessing?.Input);
        if (asked is not null && plan is not null)
        {
            weights.For(plan, strict: weights.TryGet(plan.Head.Weights[0].Name, out _)); // says how they differ
        }

        return new Inspection(
            source,
            architecture?.Name ?? weights.ArchitectureName,
            [.. candidates.Select(each => each.Name)],
            plan?.Input,
            weights.TryGet("fc.weight", out var head) ? head.Shape[0] : null,
            [.. weights.ClassNames],
            InspectedPreprocessing.Of(weights.Preprocessing),
            CountParameters(weights, plan),
            plan?.MultiplyAdds,
            plan is null ? [] : [.. plan.Layers.Select(InspectedLayer.Of)],
            [.. weights.Tensors.Select(InspectedTensor.Of)]);
    }

    private static long CountParameters(ResNetWeights weights, LayerPlan? plan) => plan is null
        ? weights.Tensors.Sum(tensor => (long)tensor.Values.Length)
        : plan.Weights.Where(spec => spec.IsParameter && weights.TryGet(spec.Name, out _)).Sum(spec => (long)spec.Size);
}
