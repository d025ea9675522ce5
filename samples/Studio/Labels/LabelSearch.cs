using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Studio.Training;

namespace Studio.Labels;

/// <summary>An image whose label may be wrong.</summary>
/// <param name="Image">The image.</param>
/// <param name="Class">The class that it is in.</param>
/// <param name="Suggested">The class that it is more likely of.</param>
/// <param name="Probability">The probability of the class it is in.</param>
/// <param name="SuggestedProbability">The probability of the suggested class.</param>
internal sealed record DoubtfulLabel(string Image, string Class, string Suggested, float Probability, float SuggestedProbability);

/// <summary>Looks for labels that are likely wrong, by the library's confident learning.</summary>
internal static class LabelSearch
{
    /// <summary>How the list was made, for the person who reads it.</summary>
    public const string Method =
        "Each image was judged by a head that did not learn from it, on the features of the trained network; the surest are first. "
        + "A network that was trained whole has learned some wrong labels by heart: it finds fewer of them than one whose head alone was "
        + "trained.";

    private const int Most = 500;

    /// <summary>Lists them, the likeliest first.</summary>
    /// <param name="network">The trained network.</param>
    /// <param name="images">Readable images.</param>
    /// <param name="pathOf">Finds an image's file.</param>
    /// <param name="cancellation">Stops it.</param>
    public static DoubtfulLabel[] Find(
        ResNetClassificationTransformer network, RunImage[] images, Func<string, string> pathOf, CancellationToken cancellation)
    {
        var ml = new MLContext(seed: 1);
        var files = ml.Data.LoadFromEnumerable(
            images.Select(image => new ImageFolderRow { ImagePath = pathOf(image.Image), Label = image.Class }));
        var found = network.FindLabelIssues(
            ImageRows.Stages(ml, files).Transform(files), new LabelIssueOptions { Thumbnails = 0, CancellationToken = cancellation });
        return [.. found.Issues.Take(Most).Select(issue =>
            new DoubtfulLabel(images[issue.Row].Image, issue.Label, issue.Suggested, issue.Probability, issue.SuggestedProbability))];
    }
}
