using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>What more views of each image are worth.</summary>
internal static class ViewSection
{
    public static XElement? Create(ClassificationReport report)
    {
        if (report.Views.IsEmpty)
        {
            return null;
        }

        return ReportPage.Section("views", "Test-time views",
            Element("p", Class("note"),
                "The same test images, by the mean of the probabilities of several views of each. "
                + "More views are mostly a little better, and cost as many times the work."),
            Table(
                "Log-loss in nats.",
                ["Views", "Per image", "Accuracy", "Log-loss"],
                report.Views.Select(
                    each => (object?[])[Capitalized(each.Name), Count(each.Views), Percent(each.Accuracy.Value), Loss(each.LogLoss)])));
    }

    private static string Capitalized(string name) => char.ToUpperInvariant(name[0]) + name[1..];
}
