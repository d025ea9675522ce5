namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>What <see cref="TrivialAugment"/> can do to an image. Those that only move pixels come first.</summary>
internal enum TrivialOperation
{
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
}
