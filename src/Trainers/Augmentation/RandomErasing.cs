using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Erases a random rectangle, 2 to 33 % of the area and 0.3 to 3.3 times as high as wide, of some images ("Random Erasing Data
/// Augmentation", Zhong et al., 2017, https://arxiv.org/abs/1708.04896; ranges as torchvision's RandomErasing has them). What is erased is
/// the mean: zero after normalization.
/// </summary>
/// <param name="shape">The images' shape.</param>
/// <param name="normalization">What will subtract the mean.</param>
/// <param name="probability">The share of images from which a rectangle is erased.</param>
internal sealed class RandomErasing(ImageShape shape, Normalization normalization, double probability) : IDistortion
{
    private const double MinimumArea = 0.02;
    private const double MaximumArea = 0.33;
    private const int Attempts = 10;

    // Height to width, uniform in the logarithm.
    private static readonly double MinimumLogRatio = Math.Log(0.3);
    private static readonly double MaximumLogRatio = Math.Log(3.3);

    public void Apply(Span<float> pixels, Random random)
    {
        if (random.NextDouble() >= probability)
        {
            return;
        }

        var (top, left, height, width) = Draw(shape, random);
        for (var y = top; y < top + height; y++)
        {
            var start = (y * shape.Width + left) * shape.Channels;
            normalization.Mean.Slice(start, width * shape.Channels).CopyTo(pixels[start..]);
        }
    }

    // Nothing where no rectangle fits, which happens in images of extreme proportions only.
    internal static (int Top, int Left, int Height, int Width) Draw(ImageShape shape, Random random)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var area = shape.Height * (double)shape.Width * (MinimumArea + (MaximumArea - MinimumArea) * random.NextDouble());
            var ratio = Math.Exp(MinimumLogRatio + (MaximumLogRatio - MinimumLogRatio) * random.NextDouble());
            var (height, width) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (height < shape.Height && width < shape.Width)
            {
                return (random.Next(shape.Height - height + 1), random.Next(shape.Width - width + 1), height, width);
            }
        }

        return default;
    }
}
