using Microsoft.ML.ResNet;

namespace PaperExperiments;

/// <summary>Counts what the library makes of a network, and sets it beside what the paper prints.</summary>
internal static class Verification
{
    public static Figure[] Of(PaperNetwork network)
    {
        var size = network.Architecture.DefaultImageSize;
        var plan = LayerPlan.Create(network.Architecture, new ImageShape(3, size, size), network.ClassCount);

        // The paper's depth is that of the residual path: the projections of shortcuts lie beside it.
        var convolutions = plan.Layers.OfType<ConvolutionLayer>().Where(layer => !layer.Name.Contains(".downsample.", StringComparison.Ordinal)).ToArray();
        var stages = convolutions.GroupBy(layer => layer.Output.Height).Select(stage => new PaperStage(stage.Key, stage.Count(), stage.Last().Output.Channels)).ToArray();
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

    private static string List(IEnumerable<PaperStage> stages, Func<PaperStage, int> figure) => string.Join(' ', stages.Select(figure));
}
