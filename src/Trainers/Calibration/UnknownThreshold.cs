using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Calibration;

/// <summary>
/// Fits the probability that the predicted class must be above, for an image to belong to any class at all (Hendrycks and Gimpel, "A
/// Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks", 2017; https://arxiv.org/abs/1610.02136).
/// </summary>
internal static class UnknownThreshold
{
    /// <summary>Finds the highest threshold that rejects at most a share of images, all of which belong to classes.</summary>
    /// <param name="logits">[images × classes], before the temperature.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="temperature">What logits are divided by.</param>
    /// <param name="share">The share of the images that may be rejected, 0 to 1.</param>
    /// <returns>The threshold; an image is rejected where no probability is above it.</returns>
    public static float Fit(ReadOnlySpan<float> logits, int classes, double temperature, double share)
    {
        var largest = new float[logits.Length / classes];
        var probabilities = new float[classes];
        for (var image = 0; image < largest.Length; image++)
        {
            TemperatureScaling.Apply(logits.Slice(image * classes, classes), temperature, probabilities);
            largest[image] = TensorPrimitives.Max<float>(probabilities);
        }

        Array.Sort(largest);

        // The first image that must stay is just above the threshold; of images with the same probability, all stay.
        return MathF.BitDecrement(largest[Math.Min((int)(share * largest.Length), largest.Length - 1)]);
    }
}
