using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>How pixels become a network's input; it belongs to the weights as much as the architecture does.</summary>
/// <remarks>
/// Images go through these steps: resized so that <see cref="Input"/> (times <see cref="Supersampling"/>) is just covered and cropped
/// around the centre; averaged over squares of <see cref="Supersampling"/> pixels; then, per channel,
/// (pixel − mean) / standard deviation. Vectors, which cannot be resized, go through the last step only.
/// </remarks>
/// <param name="Input">The shape that the network reads.</param>
/// <param name="Mean">The mean per channel, in the units of the pixels: 0 to 255 for images.</param>
/// <param name="StandardDeviation">The standard deviation per channel, in the units of the pixels; greater than zero.</param>
public sealed record ImagePreprocessing(ImageShape Input, ImmutableArray<float> Mean, ImmutableArray<float> StandardDeviation)
{
    /// <summary>
    /// Gets how many times larger than the input images are first resized, per side. ML.NET's resizing does not average the pixels
    /// that it drops; resizing to a multiple and averaging down keeps photographs free of aliasing.
    /// </summary>
    /// <value>The default is 1. The trainer chooses 1 to 4, from the size of the training images.</value>
    public int Supersampling { get; init; } = 1;

    /// <summary>Gets the height and width, in pixels, that images are resized to.</summary>
    /// <value>The input's height and width times <see cref="Supersampling"/>.</value>
    internal (int Height, int Width) ResizeTo => (Input.Height * Supersampling, Input.Width * Supersampling);

    internal ImagePreprocessing Validated()
    {
        if (Mean.Length != Input.Channels || StandardDeviation.Length != Input.Channels)
        {
            throw new ArgumentException($"Preprocessing of {Input} images needs a mean and a standard deviation for each of {Input.Channels} channels, but has {Mean.Length} and {StandardDeviation.Length}.");
        }

        if (StandardDeviation.Any(deviation => !(deviation > 0 && float.IsFinite(deviation))) || Mean.Any(mean => !float.IsFinite(mean)))
        {
            throw new ArgumentException("Preprocessing needs finite means, and finite standard deviations greater than zero.");
        }

        if (Supersampling < 1)
        {
            throw new ArgumentException($"Preprocessing needs a supersampling of at least 1, but it is {Supersampling}.");
        }

        return this;
    }
}
