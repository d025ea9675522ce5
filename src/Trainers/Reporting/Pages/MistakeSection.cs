using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>The mistakes that the network was surest of: often it is the label that is wrong.</summary>
internal static class MistakeSection
{
    public static XElement? Create(ClassificationReport report)
    {
        if (report.WorstMistakes.IsEmpty)
        {
            return null;
        }

        var hasHeat = report.WorstMistakes.Any(mistake => mistake.HeatMaps is not null);
        return ReportPage.Section("mistakes", "Worst mistakes",
            Element("p", Class("note"), "The mistakes that the network was surest of. Look at their labels too: some may be wrong."),
            hasHeat ? Element("p", Class("note"),
                "Beside each image is where the network saw the class it chose, and then where it saw the image's own class. "
                + "Colours from violet over teal to yellow tell how much a place speaks for the class, yellow the most; "
                + "where nothing does, the image is left as it is (Grad-CAM, Selvaraju et al., 2017).") : null,
            Element("ul",
                Class(hasHeat ? "mistakes explained" : "mistakes"),
                report.WorstMistakes.Select(mistake => Item(
                    mistake, report.Classes[mistake.Class].Name, report.Classes[mistake.Predicted].Name))));
    }

    private static XElement Item(Mistake mistake, string name, string predicted) => Element("li",
        mistake.Thumbnail is { } picture ? Pictures(mistake, picture, name, predicted) : null,
        Element("p", Class("class"), name),
        Element("p", Class("predicted"), $"taken for {predicted}"),
        Details(mistake) is { Length: > 0 } details ? Element("p", Class("file"), details) : null);

    // Below a heat map already stands how sure the network was.
    private static string Details(Mistake mistake)
    {
        var sure = mistake.HeatMaps is null ? $"{Percent(mistake.Probability)} sure" : null;
        var file = mistake.Path is { } path ? FileAndFolder(path) : null;
        return string.Join(", ", new[] { sure, file }.OfType<string>());
    }

    private static XElement Pictures(Mistake mistake, Thumbnail picture, string name, string predicted) => Element("div", Class("pictures"),
        Frame(picture, $"{name} that was taken for {predicted}"),
        mistake.HeatMaps is { } heat
            ? new[]
            {
                Frame(heat.Predicted, $"Where the network saw {predicted}", Caption(predicted, mistake.Probability, Class("predicted"))),
                Frame(heat.Class, $"Where the network saw {name}", Caption(name, mistake.ProbabilityOfClass)),
            }
            : null);

    private static XElement Caption(string name, float probability, XAttribute? color = null) =>
        Element("p", color, name, " ", Element("span", Percent(probability)));

    /// <summary>Makes a picture in a frame, with words below it.</summary>
    public static XElement Frame(Thumbnail picture, string alternative, XElement? caption = null) =>
        Element("div", Element("div", Class("frame"), Figure.Picture(picture, alternative)), caption);
}
