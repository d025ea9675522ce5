using System.Collections.Immutable;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>How pixels become a network's input; it belongs to the weights as much as the architecture does.</summary>
/// <remarks>
/// An image is resized so that it just covers <see cref="Input"/> and a border of <see cref="CropBorder"/> pixels around it, and cropped to
/// that around its centre; the border is cut off; then (pixel − mean) / standard deviation. Vectors, which cannot be
/// resized, go through the last step only.
/// </remarks>
/// <param name="Input">The shape that the network reads.</param>
/// <param name="Mean">The mean, in the units of the pixels: 0 to 255 for images. One value per channel, or a mean image: one per channel,
/// row and column, planar (the per-pixel mean of He et al., 2016, section 4.2).
/// </param>
/// <param name="StandardDeviation">The standard deviation per channel, in the units of the pixels; greater than zero.</param>
public sealed record ImagePreprocessing(ImageShape Input, ImmutableArray<float> Mean, ImmutableArray<float> StandardDeviation)
{
    // ImageNet's mean and deviation, (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225) of 255: what every published checkpoint was trained
    // with.
    private static readonly ImagePreprocessing ImageNet = new(
        new ImageShape(3, 224, 224), [0.485f * 255, 0.456f * 255, 0.406f * 255], [0.229f * 255, 0.224f * 255, 0.225f * 255]);

    /// <summary>Resized to 256, cropped to 224: torchvision's first weights ("IMAGENET1K_V1"), and the paper's single crop.</summary>
    public static readonly ImagePreprocessing ImageNetV1 = ImageNet with { CropBorder = 16 };

    /// <summary>Resized to 232, cropped to 224: torchvision's newer weights ("IMAGENET1K_V2").</summary>
    public static readonly ImagePreprocessing ImageNetV2 = ImageNet with { CropBorder = 4 };

    /// <summary>32×32, with the mean and deviation that the common CIFAR-10 checkpoints were trained with (ImageNet's).</summary>
    public static readonly ImagePreprocessing Cifar10 = ImageNet with { Input = new ImageShape(3, 32, 32) };

    /// <summary>Gets the pixels that are cut off on each side after resizing.</summary>
    /// <value>0 or more. The default is 0: the image just covers the input.</value>
    public int CropBorder { get; init; }

    /// <summary>
    /// Gets how many times larger images are first resized, per side, before squares of that many pixels are averaged. ML.NET's resizing
    /// does not average the pixels that it drops; this keeps photographs free of aliasing.
    /// </summary>
    /// <value>1 or more. The default is 1. The trainer chooses 1 to 4, from the size of the training images.</value>
    public int Supersampling { get; init; } = 1;

    /// <summary>
    /// Gets the height and width, in pixels, that images are resized to before the border is cut off: what <c>ResizeImages</c> is told
    /// where an exported network is applied by ML.NET's <c>ApplyOnnxModel</c>.
    /// </summary>
    /// <value>The input with <see cref="CropBorder"/> on each side, <see cref="Supersampling"/> times as large.</value>
    public (int Height, int Width) ResizeTo =>
        ((Input.Height + 2 * CropBorder) * Supersampling, (Input.Width + 2 * CropBorder) * Supersampling);

    /// <summary>Returns the same preprocessing for a network that reads images of another size.</summary>
    /// <remarks>
    /// Objects stay as large in the image, in proportion: the border grows with the shorter side. A mean image becomes its mean in each
    /// channel.
    /// </remarks>
    /// <param name="input">The shape that the network reads, with as many channels as <see cref="Input"/>.</param>
    /// <exception cref="ArgumentException">It has another number of channels.</exception>
    public ImagePreprocessing ForInput(ImageShape input)
    {
        if (input == Input)
        {
            return this;
        }

        if (input.Channels != Input.Channels)
        {
            throw new ArgumentException(
                $"Preprocessing of {Input} images cannot be used for {input} images: they must have {Input.Channels} channels.",
                nameof(input));
        }

        var (mean, side) = (Mean, Math.Min(Input.Height, Input.Width));
        var area = Input.Height * Input.Width;
        return this with
        {
            Input = input,
            Mean = HasMeanImage
                ? [.. Enumerable.Range(0, Input.Channels).Select(channel => mean.Skip(channel * area).Take(area).Average())]
                : mean,
            CropBorder = (int)Math.Round((double)CropBorder * Math.Min(input.Height, input.Width) / side),
        };
    }

    /// <summary>Gets whether the mean is an image, and not one value per channel.</summary>
    internal bool HasMeanImage => Mean.Length != Input.Channels;

    /// <summary>Gets what is done to the pixels of a resized image, in this order.</summary>
    internal ImmutableArray<PreprocessingStep> Steps
    {
        get
        {
            var perChannel = new ImageShape(Input.Channels, 1, 1);
            return
            [
                new PreprocessingStep.AveragePool(Supersampling),
                new PreprocessingStep.CenterCrop(CropBorder, Input),
                new PreprocessingStep.Subtract(Mean, HasMeanImage ? Input : perChannel),
                new PreprocessingStep.Divide(StandardDeviation, perChannel),
            ];
        }
    }

    internal ImagePreprocessing Validated()
    {
        if (Mean.IsDefault || StandardDeviation.IsDefault || (HasMeanImage && Mean.Length != Input.Size)
            || StandardDeviation.Length != Input.Channels)
        {
            throw new ArgumentException(
                $"Preprocessing of {Input} images needs a mean for each of {Input.Channels} channels or of {Input.Size} pixels, "
                + "and a standard deviation for each channel.");
        }

        if (StandardDeviation.Any(deviation => !(deviation > 0 && float.IsFinite(deviation))) || Mean.Any(mean => !float.IsFinite(mean)))
        {
            throw new ArgumentException("Preprocessing needs finite means, and finite standard deviations greater than zero.");
        }

        return Supersampling >= 1 && CropBorder >= 0
            ? this
            : throw new ArgumentException(
                "Preprocessing needs a supersampling of at least 1 and a crop border of 0 or more, "
                + $"but they are {Supersampling} and {CropBorder}.");
    }
}
