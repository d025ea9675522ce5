namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// How training images are varied, so that the network sees no image twice alike. Validation and scoring never vary images.
/// </summary>
public enum ImageAugmentation
{
    /// <summary><see cref="CropAndFlip"/> up to 48 pixels per side, <see cref="ResizedCropAndFlip"/> above.</summary>
    Auto,

    /// <summary>None: every epoch sees the same pixels.</summary>
    None,

    /// <summary>
    /// Padding by an eighth of the side (4 pixels around 32×32), a random crop of the original size, and mirroring: the paper's for CIFAR
    /// (He et al., 2016, section 4.2).
    /// </summary>
    CropAndFlip,

    /// <summary>A random part of the image, 22 to 100 % of its area, resized, and mirroring: for photographs.</summary>
    ResizedCropAndFlip,

    /// <summary>
    /// The image resized so that its shorter side is 1.14 to 2.14 times the network's input (256 to 480 pixels for 224), a random crop of
    /// the input's size, and mirroring: the paper's for ImageNet (He et al., 2016, section 3.4).
    /// </summary>
    /// <remarks>
    /// Images are kept in memory at up to 2.14 times the input: twice the memory that <see cref="ResizedCropAndFlip"/> takes.
    /// </remarks>
    ScaleJitter,
}
