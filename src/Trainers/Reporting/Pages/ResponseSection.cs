using System.Globalization;
using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>How strongly the layers respond.</summary>
internal static class ResponseSection
{
    private const int ChartWidth = 800;
    private const int ChartHeight = 340;

    public static XElement? Create(NetworkReport report)
    {
        if (report.Responses is not { } responses)
        {
            return null;
        }

        return ReportPage.Section("responses", "Layer responses",
            Element("p", Class("note"),
                "How much the results of each 3×3 layer vary, before the nonlinearity or the addition, "
                + $"over {Count(responses.Images)} test images. Where those of a residual block are small, "
                + "the block changes little of what it is given; the deeper the network, the smaller they are "
                + "(He et al., 2016, figure 7)."),
            Element("div", Class("charts wide"), Figure.Of(
                "Standard deviation by layer",
                Alternative(responses.Layers),
                theme => ResponseChart.Create(responses.Layers, theme), ChartWidth, ChartHeight)),
            Element("details", Element("summary", "All layers in numbers"), Table(
                "The layers' names are those of the weights.",
                ["Layer", "Name", "Standard deviation"],
                responses.Layers.Select(layer => (object?[])[Count(layer.Index), layer.Layer, Deviation(layer)]))));
    }

    private static string Alternative(IReadOnlyCollection<LayerResponse> layers)
    {
        var (least, most) = (layers.MinBy(layer => layer.StandardDeviation)!, layers.MaxBy(layer => layer.StandardDeviation)!);
        return $"Standard deviations of {Count(layers.Count)} layers, "
            + $"from {Deviation(least)} (layer {least.Index}) to {Deviation(most)} (layer {most.Index}).";
    }

    private static string Deviation(LayerResponse layer) => layer.StandardDeviation.ToString("0.000", CultureInfo.InvariantCulture);
}
