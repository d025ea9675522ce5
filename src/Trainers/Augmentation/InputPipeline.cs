using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Turns a stored image into the network's input: crops it, distorts it, normalizes it. To be used by one thread at a time.
/// </summary>
/// <param name="output">The shape of the result.</param>
/// <param name="augmentation">What makes an image of that shape.</param>
/// <param name="normalization">What turns its pixels into input.</param>
internal sealed class InputPipeline(ImageShape output, IAugmentation augmentation, Normalization normalization)
{
    /// <summary>Gets the shape of the result.</summary>
    public ImageShape Output => output;

    /// <summary>Gets what is done between augmentation and normalization, in this order.</summary>
    public ImmutableArray<IDistortion> Distortions { get; init; } = [];

    /// <summary>The pipeline of validation and scoring: images of the network's size, as they are.</summary>
    public static InputPipeline AsScored(ImagePreprocessing preprocessing) =>
        new(preprocessing.Input, new NoAugmentation(), new Normalization(preprocessing));

    /// <summary>Writes one version of an image.</summary>
    /// <param name="image">The stored image; not changed.</param>
    /// <param name="values">What the network reads, channels last; every value is written.</param>
    /// <param name="random">The only source of randomness.</param>
    public void Apply<T>(in StoredImage<T> image, Span<float> values, Random random)
        where T : unmanaged, INumberBase<T>
    {
        augmentation.Apply(in image, values, random);
        foreach (var distortion in Distortions)
        {
            distortion.Apply(values, random);
        }

        normalization.Apply(values);
    }
}
