using System.Numerics.Tensors;
using Microsoft.ML.ResNet;
using Studio.Evaluation;
using Studio.Training;

namespace Studio.Labels;

/// <summary>An image whose label may be wrong.</summary>
/// <param name="Image">The image.</param>
/// <param name="Class">The class that it is in.</param>
/// <param name="Suggested">The class that the network takes it for.</param>
/// <param name="Probability">The probability that the network gives to the class it is in.</param>
/// <param name="SuggestedProbability">The probability of the suggested class.</param>
internal sealed record DoubtfulLabel(string Image, string Class, string Suggested, float Probability, float SuggestedProbability);

/// <summary>Looks for labels that are likely wrong.</summary>
internal static class LabelSearch
{
    /// <summary>How the list was made, for the person who reads it.</summary>
    public const string Method =
        "These are the images to whose class the trained network gives less probability than to another one, the least first. "
        + "It has learned from most of them, so that some wrong labels, which it learned by heart, are missing here.";

    private const int Most = 500;

    /// <summary>Lists them, the likeliest first.</summary>
    /// <param name="network">The trained network.</param>
    /// <param name="images">Readable images of its classes.</param>
    /// <param name="pathOf">Finds an image's file.</param>
    /// <param name="cancellation">Stops it.</param>
    public static DoubtfulLabel[] Find(
        ResNetClassificationTransformer network, RunImage[] images, Func<string, string> pathOf, CancellationToken cancellation)
    {
        var names = network.ClassNames;
        var found = new List<DoubtfulLabel>();
        foreach (var (image, scores) in images.Zip(Evaluator.Scores(network, images.Select(image => pathOf(image.Image)))))
        {
            cancellation.ThrowIfCancellationRequested();
            var (label, predicted) = (names.IndexOf(image.Class), TensorPrimitives.IndexOfMax<float>(scores));
            if (label != predicted)
            {
                found.Add(new DoubtfulLabel(image.Image, image.Class, names[predicted], scores[label], scores[predicted]));
            }
        }

        return [.. found.OrderBy(each => each.Probability - each.SuggestedProbability).Take(Most)];
    }
}
