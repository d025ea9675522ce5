using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>What is known of the network and of its training, folded: the model card.</summary>
internal static class CardSection
{
    public static XElement Create(NetworkReport report) => ReportPage.Section("card", "Model card",
        Element("p", Class("note"), "What the network is, and what was in force when it was trained. A saved model carries the same card."),
        Element("details",
            Element("summary", "Show the card"),
            report.Card.Parts.Select(Part),
            report.Card.Conditions?.Recipe is { } recipe
                ? new[] { Element("h3", "Recipe"), Element("pre", recipe) }
                : null));

    private static object[] Part(CardPart part) =>
    [
        Element("h3", part.Heading),
        Element("dl", Class("facts"), part.Rows.Select(row => Element("div", Element("dt", row.Name), Element("dd", row.Value)))),
    ];
}
