namespace Microsoft.ML.ResNet;

/// <summary>How a network is quantized. The defaults suit any processor.</summary>
public sealed record QuantizationOptions
{
    /// <summary>
    /// Gets the number of images that are scored to learn which values each layer takes. They are spread evenly over the rows given.
    /// </summary>
    /// <value>At least 1. The default is 512; more images change the ranges little. With fewer rows, all are taken.</value>
    public int ImageCount { get; init; } = 512;

    /// <summary>
    /// Gets how many of the images keep their largest values when a layer's range is set. Larger values are clipped to the range. A
    /// smaller range clips more values, but tells the others apart better. The smallest values are treated in the same way.
    /// </summary>
    /// <value>In percent of the images, over 0 and up to 100. The default is 99.9: nearly all. With 100 nothing is clipped.</value>
    public double Percentile { get; init; } = 99.9;

    /// <summary>
    /// Gets whether weights take 8 bits, rather than 7. With 7, no sum of two products overflows the 16 bits that ONNX Runtime adds them in
    /// on x64 processors without VNNI (AVX2; AVX-512 before 2019); on others 8 bits are a little more accurate, and no slower.
    /// </summary>
    /// <value>The default is <see langword="false"/>: accurate everywhere.</value>
    public bool FullRangeWeights { get; init; }

    internal void Validate()
    {
        if (ImageCount < 1)
        {
            throw new ArgumentOutOfRangeException(
                nameof(ImageCount), ImageCount, "Quantization needs at least one image: set ImageCount to 1 or more.");
        }

        if (!(Percentile > 0 && Percentile <= 100))
        {
            throw new ArgumentOutOfRangeException(
                nameof(Percentile), Percentile, "Percentile is a share of the images: more than 0, and at most 100.");
        }
    }
}
