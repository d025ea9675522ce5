using System.Collections.Immutable;

namespace Cli;

/// <summary>What a test came to.</summary>
/// <param name="Images">The images tested.</param>
/// <param name="Failed">The images that could not be read; they count for nothing else.</param>
/// <param name="Accuracy">The share of images classified right.</param>
/// <param name="Top">How many classes <paramref name="TopAccuracy"/> looks at.</param>
/// <param name="TopAccuracy">The share of images whose class is among the likeliest.</param>
/// <param name="MacroAccuracy">The mean recall of the classes that have images.</param>
/// <param name="LogLoss">The mean cross-entropy in nats.</param>
/// <param name="Classes">Every class of the network.</param>
/// <param name="Confusion">The images of each class, a row, that were given to each class, a column.</param>
internal sealed record Evaluation(
    int Images, int Failed, double Accuracy, int Top, double TopAccuracy, double MacroAccuracy, double LogLoss, ClassEvaluation[] Classes,
    int[][] Confusion)
{
    public static Evaluation Of(ImmutableArray<string> names, IReadOnlyCollection<ScoredImage> images, int top, int failed)
    {
        var confusion = new int[names.Length][];
        for (var label = 0; label < names.Length; label++)
        {
            confusion[label] = new int[names.Length];
        }

        foreach (var image in images)
        {
            confusion[image.Label][image.Predicted]++;
        }

        var classes = names.Select((name, label) =>
            ClassEvaluation.Of(name, confusion[label].Sum(), confusion.Sum(row => row[label]), confusion[label][label])).ToArray();
        return new Evaluation(
            images.Count, failed, images.Average(image => image.Predicted == image.Label ? 1.0 : 0), top,
            images.Average(image => image.IsAmong(top) ? 1.0 : 0),
            classes.Average(each => each.Recall) ?? 0, images.Average(image => image.Loss), classes, confusion);
    }
}

/// <summary>How a class fared.</summary>
/// <param name="Name">The class.</param>
/// <param name="Images">Its images.</param>
/// <param name="Precision">The share of the images given to it that are its own; null where none was.</param>
/// <param name="Recall">The share of its images that were given to it; null where it has none.</param>
internal sealed record ClassEvaluation(string Name, int Images, double? Precision, double? Recall)
{
    public static ClassEvaluation Of(string name, int images, int predicted, int correct) =>
        new(name, images, predicted == 0 ? null : (double)correct / predicted, images == 0 ? null : (double)correct / images);
}
