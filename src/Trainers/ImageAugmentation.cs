namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How training images are varied, so that the network sees no image twice alike. Validation and scoring never vary images.</summary>
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
}
