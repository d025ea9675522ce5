using System.Globalization;
using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>Test images that look like training images: they spoil a test.</summary>
internal static class DuplicateSection
{
    public static XElement? Create(NetworkReport report)
    {
        if (report.Duplicates is not { } duplicates)
        {
            return null;
        }

        var count = duplicates.Count == 0
            ? "None has."
            : duplicates.Count == 1
                ? "One has."
                : $"{Count(duplicates.Count)} have.";
        return ReportPage.Section("duplicates", "Near-duplicates in training and test",
            Element("p", Class("note"),
                $"Of {Count(duplicates.TestImages)} test images, how many have a training image (of {Count(duplicates.TrainingImages)}) "
                + "that looks the same to the network: "
                + $"a cosine of {Cosine(duplicates.Similarity)} or more between their features. {count}"),
            duplicates.Count == 0 ? null : Element("p", Class("note"),
                "The network may know their answers by heart, and is then less accurate than this report says. "
                + "Remove them from the training images or from the test."),
            duplicates.Shown.IsEmpty ? null : Element("ul", Class("mistakes explained"), duplicates.Shown.Select(Item)));
    }

    private static XElement Item(DuplicatePair pair) => Element("li",
        pair is { TestPicture: { } test, TrainingPicture: { } training }
            ? Element("div", Class("pictures"),
                MistakeSection.Frame(test, "A test image"),
                MistakeSection.Frame(training, "The training image that looks the same"))
            : null,
        Element("p", Class("class"), FileAndFolder(pair.Test)),
        Element("p", Class("predicted"), $"in training: {FileAndFolder(pair.Training)}"),
        Element("p", Class("file"), $"similarity {Cosine(pair.Similarity)}"));

    private static string Cosine(float similarity) => similarity.ToString("0.000", CultureInfo.InvariantCulture);
}
