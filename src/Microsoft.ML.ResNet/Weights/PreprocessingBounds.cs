namespace Microsoft.ML.ResNet.Weights;

/// <summary>What a file may say about images: it decides how much memory a prediction takes, and whether scores are numbers.</summary>
internal static class PreprocessingBounds
{
    /// <summary>
    /// The most pixels of the input on a side. The CIFAR networks, which keep the resolution longest, then take 1 GB for an image.
    /// </summary>
    public const int MaxSide = 2048;

    /// <summary>The most values of the input.</summary>
    public const int MaxValues = 3 * MaxSide * MaxSide;

    /// <summary>
    /// The most pixels on a side that an image is resized to, with its border: four times the input, as the trainer at most.
    /// </summary>
    public const int MaxResizedSide = 4 * MaxSide;

    /// <summary>
    /// The largest mean, whatever its sign, and the largest deviation: more than any sensor gives, and far from what float32 holds.
    /// </summary>
    public const float MaxPixel = 1e9f;

    /// <summary>The smallest deviation, as the trainer has it.</summary>
    public const float MinDeviation = 1e-6f;

    /// <summary>Checks what a file says.</summary>
    /// <exception cref="InvalidDataException">It is out of bounds.</exception>
    public static void Check(ImagePreprocessing preprocessing)
    {
        var (channels, height, width) = preprocessing.Input;
        if (Math.Min(channels, Math.Min(height, width)) < 1)
        {
            throw new InvalidDataException($"images of {preprocessing.Input} have no pixels");
        }

        if (Math.Max(height, width) > MaxSide || (Int128)channels * height * width > MaxValues)
        {
            throw new InvalidDataException(
                $"images of {preprocessing.Input} are too large: they may have up to {MaxSide:n0} pixels a side and {MaxValues:n0} values");
        }

        var resized = (Math.Max(height, width) + 2L * preprocessing.CropBorder) * preprocessing.Supersampling;
        if (preprocessing.CropBorder > MaxResizedSide || resized > MaxResizedSide)
        {
            var (border, supersampling) = (preprocessing.CropBorder, preprocessing.Supersampling);
            throw new InvalidDataException(
                $"a crop border of {border:n0} and a supersampling of {supersampling:n0} "
                + $"resize images to more than {MaxResizedSide:n0} pixels a side");
        }

        if (preprocessing.Mean is { IsDefault: false } means && means.Any(mean => !(Math.Abs(mean) <= MaxPixel)))
        {
            throw new InvalidDataException($"means are finite numbers up to {MaxPixel:g}");
        }

        if (preprocessing.StandardDeviation is { IsDefault: false } deviations
            && deviations.Any(deviation => deviation is not (>= MinDeviation and <= MaxPixel)))
        {
            throw new InvalidDataException(
                $"standard deviations are finite numbers from {MinDeviation:g} to {MaxPixel:g}, and so greater than zero");
        }
    }
}
