namespace Microsoft.ML.ResNet.Trainers.Labels;

/// <summary>
/// Finds labels that are probably wrong (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021,
/// section 3.1; https://arxiv.org/abs/1911.00068). Probabilities must come from a model that did not learn from the row that it judges.
/// </summary>
internal static class ConfidentLearning
{
    /// <summary>No class.</summary>
    public const int None = -1;

    /// <summary>
    /// Computes a threshold for each class: the mean probability of the class over the rows labelled so (equation 2). A class that the
    /// model is seldom sure of gets a low one, and so is not found wrong more often than others.
    /// </summary>
    /// <param name="probabilities">[rows × classes].</param>
    /// <param name="labels">The class that each row is labelled with, from 0.</param>
    /// <param name="classes">The number of classes.</param>
    /// <returns>The thresholds; above 1 for a class without rows, which nothing reaches.</returns>
    public static double[] Thresholds(ReadOnlySpan<float> probabilities, ReadOnlySpan<int> labels, int classes)
    {
        var (sums, counts) = (new double[classes], new int[classes]);
        for (var row = 0; row < labels.Length; row++)
        {
            sums[labels[row]] += probabilities[row * classes + labels[row]];
            counts[labels[row]]++;
        }

        return [.. sums.Select((sum, label) => counts[label] == 0 ? 2 : sum / counts[label])];
    }

    /// <summary>
    /// Finds the class that a row confidently belongs to: of those whose threshold its probability reaches, the likeliest (equation 1).
    /// </summary>
    /// <returns>The class; <see cref="None"/> where no threshold is reached.</returns>
    public static int ClassOf(ReadOnlySpan<float> probabilities, ReadOnlySpan<double> thresholds)
    {
        var found = None;
        for (var label = 0; label < probabilities.Length; label++)
        {
            if (probabilities[label] >= thresholds[label] && (found == None || probabilities[label] > probabilities[found]))
            {
                found = label;
            }
        }

        return found;
    }
}
