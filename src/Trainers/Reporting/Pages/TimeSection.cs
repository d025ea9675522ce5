using System.Xml.Linq;
using Microsoft.ML.ResNet.History;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>Where the time of training went.</summary>
internal static class TimeSection
{
    public static XElement? Create(NetworkReport report)
    {
        var history = report.History;
        if (history.Epochs.IsEmpty)
        {
            return null;
        }

        var trained = (long)history.TrainingImages * history.Epochs.Length;
        var validated = (long)history.ValidationImages * history.Epochs.Count(epoch => epoch.ValidationAccuracy is not null);
        var augmentation = history.Sum(epoch => epoch.AugmentationTime);
        var validation = history.Sum(epoch => epoch.ValidationTime);
        var compute = history.Sum(epoch => epoch.Duration) - validation;
        (string Name, TimeSpan Time, long Images)[] parts =
        [
            ("Reading and decoding", history.ReadingTime, (long)history.TrainingImages + history.ValidationImages),
            ("Making batches, augmentation included", augmentation, trained),
            ("Training steps", compute, trained),
            ("Validation", validation, validated),
        ];

        var measured = parts.Where(part => part.Time > TimeSpan.Zero).ToArray();
        var longest = measured.Max(part => part.Time);
        return ReportPage.Section("time", "Time",
            Table(
                "Batches are made on a thread of their own, beside the training steps.",
                ["Work", "Time", "Images", "Images/s"],
                measured.Select(part => (object?[])
                [
                    part.Name,
                    BarCell(part.Time / longest, Durations.Text(part.Time)),
                    Count(part.Images),
                    Count((long)(part.Images / part.Time.TotalSeconds)),
                ])),
            augmentation > compute
                ? Element(
                    "p",
                    Class("warning"),
                    "Batches were made more slowly than the network learned from them: augmentation, and not the network, set the pace.")
                : null);
    }
}
