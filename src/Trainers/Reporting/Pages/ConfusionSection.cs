using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>Which classes are taken for which.</summary>
internal static class ConfusionSection
{
    private const int MostClassesInNumbers = 20;
    private const int MostClassesAcross = 6;
    private const int MostPairs = 10;

    /// <summary>A map of more classes is shown at less than its size, where smoothing keeps what sharp pixels would drop.</summary>
    private const int LargestPixelArt = 400;

    public static XElement Create(ClassificationReport report) => ReportPage.Section("confusion", "Confusion",
        Element("div", Class("beside"),
            report.Classes.Length <= MostClassesInNumbers ? Matrix(report)
                : report.Classes.Length <= ConfusionImage.MostClasses ? Map(report)
                : null,
            report.Confusions.IsEmpty ? Element("p", Class("note"), "No image was classified wrong.") : Pairs(report)));

    private static XElement Matrix(ClassificationReport report)
    {
        var counts = report.Confusions.ToDictionary(pair => (pair.Class, pair.Predicted), pair => pair.Count);
        var classes = report.Classes;
        return Element("div", Class("scroll"), Element("table", Class(classes.Length > MostClassesAcross ? "matrix many" : "matrix"),
            Element("caption", "Rows: what the images are. Columns: what they were taken for. Colour: the share of the row."),
            Element("thead", Element("tr",
                Element("th", new XAttribute("scope", "col"), "Class"),
                classes.Select(each => Element("th", Class("name"), new XAttribute("scope", "col"), Element("span", each.Name))))),
            Element("tbody", classes.Select((each, row) => Element("tr",
                Element("th", new XAttribute("scope", "row"), each.Name),
                classes.Select(
                    (_, column) => Cell(
                        row == column, row == column ? each.Correct : counts.GetValueOrDefault((row, column)), each.Support)))))));
    }

    private static XElement Cell(bool isHit, long count, long support)
    {
        if (count == 0)
        {
            return Element("td", Class("zero"), "0");
        }

        var strength = ConfusionImage.Strength(count, support);
        return Element(
            "td", Class((isHit ? "hit" : "miss") + (strength > 0.55 ? " deep" : "")), Style($"--share:{Number(strength)}"), Count(count));
    }

    private static XElement Map(ClassificationReport report)
    {
        var side = report.Classes.Length;
        return Element("figure", Class("map"),
            Element("figcaption", $"All {Count(side)} classes. Rows: what the images are. Columns: what they were taken for."),
            Element("img",
                side <= LargestPixelArt ? Class("pixels") : null,
                new XAttribute("src", Figure.DataUri("image/png", ConfusionImage.Draw(report))),
                new XAttribute("alt", $"Confusion of {Count(side)} classes; the most confused pairs are listed below."),
                new XAttribute("width", side), new XAttribute("height", side)));
    }

    private static XElement Pairs(ClassificationReport report) => Table(
        report.Confusions.Length <= MostPairs
            ? "All confused pairs"
            : $"The most confused pairs, {MostPairs} of {Count(report.Confusions.Length)}",
        ["Class → taken for", "Images", "Of the class"],
        report.Confusions.Take(MostPairs).Select(pair => (object?[])
        [
            $"{report.Classes[pair.Class].Name} → {report.Classes[pair.Predicted].Name}",
            Count(pair.Count),
            Percent((double)pair.Count / report.Classes[pair.Class].Support),
        ]));
}
