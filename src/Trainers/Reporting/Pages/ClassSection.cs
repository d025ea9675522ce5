using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>How each class fares.</summary>
internal static class ClassSection
{
    public static XElement Create(ClassificationReport report) => ReportPage.Section("classes", "Classes",
        Table(
            "The hardest first, by F1, the harmonic mean of precision and recall.",
            ["Class", "Precision", "Recall", "F1", "Images"],
            report.Classes.OrderBy(each => each.Support == 0).ThenBy(each => each.F1).Select(each => (object?[])
            [
                each.Name,
                Share(each.Precision, isKnown: each.Predicted > 0),
                Share(each.Recall, isKnown: each.Support > 0),
                Share(each.F1, isKnown: each.Support > 0),
                Count(each.Support),
            ])));

    private static XElement Share(double share, bool isKnown) =>
        isKnown ? BarCell(share, Percent(share)) : Element("td", Class("zero"), "–");
}
