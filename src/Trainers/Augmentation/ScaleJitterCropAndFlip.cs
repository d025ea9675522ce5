using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// The paper's augmentation for photographs: the image is resized so that its shorter side is a random multiple of the network's input, 256
/// to 480 for 224. Then a random crop of the input's size, or its mirror image, is taken (He et al., 2016, section 3.4, after Simonyan and
/// Zisserman, 2015).
/// </summary>
/// <remarks>Unlike <see cref="ResizedCropAndFlip"/> it keeps proportions, and no crop covers the whole image.</remarks>
/// <param name="shape">The output's shape: the network's input, or another size to train at, at which the crop shows the same part of the
/// image.</param>
/// <param name="flip">Whether to mirror half of the images.</param>
internal sealed class ScaleJitterCropAndFlip(ImageShape shape, bool flip) : IAugmentation
{
    /// <summary>The shorter side at which images are kept, relative to the network's input: the largest that is ever drawn.</summary>
    public const double KeptScale = LargestScale;

    private const double SmallestScale = 256.0 / 224;
    private const double LargestScale = 480.0 / 224;

    private readonly CropResizer _resizer = new(shape, flip);

    public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T> => _resizer.Apply(in image, Draw(shape, image.Height, image.Width, random), output, random);

    // Resized and cropped in one go: the part of the stored image that the crop would show.
    internal static CropWindow Draw(ImageShape shape, int height, int width, Random random)
    {
        var scale = SmallestScale + (LargestScale - SmallestScale) * random.NextDouble();

        // The side of an output pixel in the stored image.
        var pixel = Math.Min((double)height / shape.Height, (double)width / shape.Width) / scale;
        var (cropHeight, cropWidth) = (pixel * shape.Height, pixel * shape.Width);
        var left = random.NextDouble() * (width - cropWidth);
        var top = random.NextDouble() * (height - cropHeight);
        return new CropWindow(left, top, cropWidth, cropHeight);
    }
}
