namespace Microsoft.ML.ResNet;

/// <summary>How a network is quantized. The defaults suit any processor.</summary>
public sealed record QuantizationOptions
{
    /// <summary>
    /// Gets the number of images that are scored to learn which values each layer takes. They are spread evenly over the rows given.
    /// </summary>
    /// <value>The default is 512: more change little. At least 1; with fewer rows, all are taken.</value>
    public int ImageCount { get; init; } = 512;

    /// <summary>
    /// Gets which of the images' largest values still fits the 8 bits of a layer: 100 the largest of all, 50 that of the median image. What
    /// is larger saturates; the less does, the coarser all other values are. The smallest values are treated alike.
    /// </summary>
    /// <value>In percent of the images, over 0 and up to 100. The default is 99.9: nearly all.</value>
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
