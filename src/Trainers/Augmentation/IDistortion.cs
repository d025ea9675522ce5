namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Changes an image in place, after it was cropped.</summary>
internal interface IDistortion
{
    /// <summary>Changes the image.</summary>
    /// <param name="pixels">Pixels in the image's own units, channels last, of the shape that the distortion was made for.</param>
    /// <param name="random">The only source of randomness.</param>
    void Apply(Span<float> pixels, Random random);
}
