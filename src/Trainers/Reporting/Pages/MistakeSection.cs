using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>The mistakes that the network was surest of: often it is the label that is wrong.</summary>
internal static class MistakeSection
{
    /// <summary>A picture of fewer pixels is shown with its pixels, not smoothed.</summary>
    private const int LargestPixelArt = 96;

    public static XElement? Create(ClassificationReport report) => report.WorstMistakes.IsEmpty ? null : ReportPage.Section("mistakes", "Worst mistakes",
        Element("p", Class("note"), "The mistakes that the network was surest of. Look at their labels too: some may be wrong."),
        Element("ul", Class("mistakes"), report.WorstMistakes.Select(mistake => Item(mistake, report.Classes[mistake.Class].Name, report.Classes[mistake.Predicted].Name))));

    private static XElement Item(Mistake mistake, string name, string predicted) => Element("li",
        mistake.Thumbnail is { } picture ? Element("div", Class("frame"), Picture(picture, $"{name} that was taken for {predicted}")) : null,
        Element("p", Class("class"), name),
        Element("p", Class("predicted"), $"taken for {predicted}"),
        Element("p", Class("file"), $"{Percent(mistake.Probability)} sure{(mistake.Path is null ? "" : $", {FileAndFolder(mistake.Path)}")}"));

    private static XElement Picture(Thumbnail picture, string alternative) => Element("img",
        Math.Max(picture.Width, picture.Height) <= LargestPixelArt ? Class("pixels") : null,
        new XAttribute("src", Figure.DataUri(picture.MediaType, picture.Bytes)),
        new XAttribute("alt", alternative),
        new XAttribute("width", picture.Width),
        new XAttribute("height", picture.Height));

    // The rest of a path says more about the machine than about the image.
    private static string FileAndFolder(string path)
    {
        var parts = path.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries);
        return string.Join('/', parts.TakeLast(2));
    }
}
