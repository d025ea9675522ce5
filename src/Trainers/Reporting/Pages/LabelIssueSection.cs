using System.Xml.Linq;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>The labels that are probably wrong.</summary>
internal static class LabelIssueSection
{
    public static XElement? Create(LabelIssues? found)
    {
        if (found is null)
        {
            return null;
        }

        var pictured = found.Issues.Where(issue => issue.Thumbnail is not null).ToArray();
        return ReportPage.Section("labels", "Labels that may be wrong",
            Element("p", Class("note"),
                $"Each image was judged by heads that did not learn from it; they agree with {Percent(found.Accuracy)} of "
                + $"{Count(found.ImageCount)} labels. {Count(found.Issues.Length)} images belong to another class, as far as confident "
                + "learning (Northcutt et al., 2021) can tell. Look at each: hard images are among them, whose labels are right."),
            pictured.Length == 0 ? null : Element("ul", Class("mistakes"), pictured.Select(Item)),
            found.Issues.IsEmpty ? null : Element("details", Element("summary", "All of them in numbers"), Table(
                "The surest first, by margin: how much likelier the suggested class is than the label.",
                ["Image", "Label", "Suggested", "Probability of the label", "Of the suggested class", "Margin"],
                found.Issues.Select(issue => (object?[])
                [
                    issue.Path is { } path ? FileAndFolder(path) : $"row {Count(issue.Row)}",
                    issue.Label,
                    issue.Suggested,
                    Percent(issue.Probability),
                    Percent(issue.SuggestedProbability),
                    Percent(issue.Margin),
                ]))));
    }

    private static XElement Item(LabelIssue issue) => Element("li",
        Element("div", Class("pictures"), Element("div", Element("div", Class("frame"),
            Figure.Picture(issue.Thumbnail!, $"Labelled {issue.Label}, probably {issue.Suggested}")))),
        Element("p", Class("class"), issue.Label),
        Element("p", Class("predicted"), $"probably {issue.Suggested}"),
        Element("p", Class("file"), string.Join(", ", new[]
        {
            $"margin {Percent(issue.Margin)}",
            issue.Path is { } path ? FileAndFolder(path) : $"row {Count(issue.Row)}",
        })));
}
