using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static System.FormattableString;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>What the network takes for images of no class.</summary>
internal static class RejectionSection
{
    public static XElement? Create(ClassificationReport report) => report.Rejection is not { } rejection
        ? null
        : ReportPage.Section("unknown", "Images of no class",
            Element("p", Class("note"),
                Invariant($"An image is taken for one of no class where no probability is above {rejection.Threshold:0.0000}. ")
                + "The test images all belong to a class, so those rejected here are rejected falsely. "
                + "How many images of no class are rejected, only such images tell."),
            Table(
                "Of the test images.",
                ["", "Images", "Share", "Classified right"],
                [
                    [
                        "Rejected falsely",
                        Count(rejection.Rejected.Successes),
                        Percent(rejection.Rejected.Value),
                        Right(rejection.RightOfRejected),
                    ],
                    [
                        "Accepted",
                        Count(rejection.Rejected.Trials - rejection.Rejected.Successes),
                        Percent(1 - rejection.Rejected.Value),
                        Right(rejection.RightOfAccepted),
                    ],
                ]));

    private static string Right(Proportion share) => share.Trials == 0 ? "–" : Percent(share.Value);
}
