using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>Shows a report as one page, which loads nothing and runs nothing.</summary>
internal static class ReportPage
{
    // Even if a text did become markup, a browser would neither run nor fetch anything for it.
    private const string SecurityPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

    public static XElement Create(ClassificationReport report)
    {
        XElement?[] sections =
        [
            SummarySection.Create(report),
            TrainingSection.Create(report),
            ConfusionSection.Create(report),
            ClassSection.Create(report),
            MistakeSection.Create(report),
            DuplicateSection.Create(report),
            LabelIssueSection.Create(report.LabelIssues),
            CalibrationSection.Create(report),
            RejectionSection.Create(report),
            ViewSection.Create(report),
            ResponseSection.Create(report),
            TimeSection.Create(report),
            CardSection.Create(report),
        ];

        return Page(
            report.Title,
            $"{report.Architecture} classifies {Count(report.Accuracy.Successes)} of {Count(report.Accuracy.Trials)} "
                + $"test images right, into {Count(report.Classes.Length)} classes.",
            sections);
    }

    public static XElement Create(MultilabelReport report) => Page(
        report.Title,
        $"{report.Architecture} finds all labels of {Percent(report.Metrics.ExactMatchRatio)} of {Count(report.Metrics.ImageCount)} "
            + $"test images, out of {Count(report.Metrics.PerLabel.Length)} labels.",
        [
            LabelSection.CreateSummary(report.Metrics),
            TrainingSection.Create(report),
            LabelSection.Create(report.Metrics),
            DuplicateSection.Create(report),
            ResponseSection.Create(report),
            TimeSection.Create(report),
            CardSection.Create(report),
        ]);

    /// <summary>Shows labels that are probably wrong as a page of their own.</summary>
    public static XElement Create(LabelIssues issues) => Page(
        "Labels that may be wrong",
        $"{Count(issues.Issues.Length)} of {Count(issues.ImageCount)} images.",
        [LabelIssueSection.Create(issues)]);

    /// <summary>Makes a section with a heading that can be linked to.</summary>
    public static XElement Section(string id, string heading, params object?[] content) =>
        Element("section", new XAttribute("id", id), Element("h2", heading), content);

    private static XElement Page(string title, string lede, XElement?[] sections) =>
        Element("html", new XAttribute("lang", "en"),
            Element("head",
                Element("meta", new XAttribute("charset", "utf-8")),
                Element("meta", new XAttribute("name", "viewport"), new XAttribute("content", "width=device-width, initial-scale=1")),
                Element("meta", new XAttribute("http-equiv", "Content-Security-Policy"), new XAttribute("content", SecurityPolicy)),
                Element("title", title),
                Element("style", ReadStyles())),
            Element("body",
                Element("header",
                    Element("h1", title),
                    Element("p", Class("lede"), lede),
                    Element("nav", new XAttribute("aria-label", "Contents"), Element("ul", sections.OfType<XElement>().Select(Link)))),
                Element("main", sections),
                Element("footer", Element("p", "Made by ResNet.MLNet."))));

    private static XElement Link(XElement section) =>
        Element("li", Element("a", new XAttribute("href", "#" + section.Attribute("id")!.Value), section.Element("h2")!.Value));

    private static string ReadStyles()
    {
        using var reader = new StreamReader(typeof(ReportPage).Assembly.GetManifestResourceStream("report.css")!);
        return "\n" + reader.ReadToEnd();
    }
}
