using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// For photographs: a random part of the image, of random size and proportions, resized to the network's input, or its mirror image
/// (Szegedy et al., 2015, section 6, as in torchvision's RandomResizedCrop).
/// </summary>
/// <param name="shape">The output's shape: the network's input, or another size to train at.</param>
/// <param name="flip">Whether to mirror half of the images.</param>
internal sealed class ResizedCropAndFlip(ImageShape shape, bool flip) : IAugmentation
{
    /// <summary>
    /// The shorter side at which images are kept, relative to the network's input: a crop of 44 % of the area is not enlarged.
    /// </summary>
    public const double KeptScale = 1.5;

    // The part's share of the image's area: the paper's smallest crop, 224 out of 480 on each side (He et al., 2016, section 3.4), to all.
    private const double MinimumArea = 0.22;

    // Width to height, 3:4 to 4:3, uniform in the logarithm.
    private static readonly double MaximumLogRatio = Math.Log(4.0 / 3);

    private const int Attempts = 10;

    private readonly CropResizer _resizer = new(shape, flip);

    public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T> => _resizer.Apply(in image, Draw(image.Height, image.Width, random), output, random);

    internal static CropWindow Draw(int height, int width, Random random)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var area = height * (double)width * (MinimumArea + (1 - MinimumArea) * random.NextDouble());
            var ratio = Math.Exp((2 * random.NextDouble() - 1) * MaximumLogRatio);
            var (cropWidth, cropHeight) = (Math.Sqrt(area * ratio), Math.Sqrt(area / ratio));
            if (cropWidth <= width && cropHeight <= height)
            {
                var left = random.NextDouble() * (width - cropWidth);
                var top = random.NextDouble() * (height - cropHeight);
                return new CropWindow(left, top, cropWidth, cropHeight);
            }
        }

        // An image of extreme proportions: the square in its middle.
        double side = Math.Min(height, width);
        return new CropWindow((width - side) / 2, (height - side) / 2, side, side);
    }
}
