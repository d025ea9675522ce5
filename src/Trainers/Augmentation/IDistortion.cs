namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Changes an image that has been cut out already, in place.</summary>
internal interface IDistortion
{
    /// <summary>Changes the image.</summary>
    /// <param name="pixels">Pixels in the image's own units, channels last, of the shape that the distortion was made for.</param>
    /// <param name="random">The dice; nothing else decides.</param>
    void Apply(Span<float> pixels, Random random);
}
