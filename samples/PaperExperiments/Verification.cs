using Microsoft.ML.ResNet;

namespace PaperExperiments;

/// <summary>Counts what the library makes of a network, and sets it beside what the paper prints.</summary>
internal static class Verification
{
    public static Figure[] Of(PaperNetwork network)
    {
        var plan = Plan(network.Architecture, network.ClassCount);
        var convolutions = Convolutions(plan);
        var stages = convolutions.GroupBy(layer => layer.Output.Height)
            .Select(stage => new PaperStage(stage.Key, stage.Count(), stage.Last().Output.Channels))
            .ToArray();
        return
        [
            Figure.Exact("layers", $"{convolutions.Length + 1}", $"{network.Layers}"),
            Figure.Exact("output sizes", List(stages, stage => stage.OutputSize), List(network.Stages, stage => stage.OutputSize)),
            Figure.Exact("layers of each", List(stages, stage => stage.Layers), List(network.Stages, stage => stage.Layers)),
            Figure.Exact("filters of each", List(stages, stage => stage.Filters), List(network.Stages, stage => stage.Filters)),
            Figure.Rounded("parameters", plan.ParameterCount, network.MillionParameters, 6),
            Figure.Rounded("multiply-adds", plan.MultiplyAdds, network.BillionMultiplyAdds, 9),
        ];
    }

    /// <summary>Counts a network's layers as the paper does.</summary>
    public static int LayerCount(ResNetArchitecture network) => Convolutions(Plan(network, classCount: 10)).Length + 1;

    private static LayerPlan Plan(ResNetArchitecture architecture, int classCount) =>
        LayerPlan.Create(architecture, new ImageShape(3, architecture.DefaultImageSize, architecture.DefaultImageSize), classCount);

    // The paper's depth is that of the residual path: the projections of shortcuts lie beside it.
    private static ConvolutionLayer[] Convolutions(LayerPlan plan) =>
        [.. plan.Layers.OfType<ConvolutionLayer>().Where(layer => !layer.Name.Contains(".downsample.", StringComparison.Ordinal))];

    private static string List(IEnumerable<PaperStage> stages, Func<PaperStage, int> figure) => string.Join(' ', stages.Select(figure));
}
