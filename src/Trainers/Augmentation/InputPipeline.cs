using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The way of a stored image into the network: cut out, distorted, normalized. To be used by one thread at a time.</summary>
/// <param name="output">The shape that comes out.</param>
/// <param name="cut">What makes an image of that shape.</param>
/// <param name="normalization">What turns its pixels into input.</param>
internal sealed class InputPipeline(ImageShape output, IAugmentation cut, Normalization normalization)
{
    /// <summary>Gets the shape that comes out.</summary>
    public ImageShape Output => output;

    /// <summary>Gets what is done between, in this order.</summary>
    public ImmutableArray<IDistortion> Distortions { get; init; } = [];

    /// <summary>The pipeline of validation and scoring: images of the network's size, as they are.</summary>
    public static InputPipeline AsScored(ImagePreprocessing preprocessing) => new(preprocessing.Input, new NoAugmentation(), new Normalization(preprocessing));

    /// <summary>Writes one version of an image.</summary>
    /// <param name="image">The stored image; not changed.</param>
    /// <param name="values">What the network reads, channels last; every value is written.</param>
    /// <param name="random">The dice; nothing else decides.</param>
    public void Apply<T>(in StoredImage<T> image, Span<float> values, Random random)
        where T : unmanaged, INumberBase<T>
    {
        cut.Apply(in image, values, random);
        foreach (var distortion in Distortions)
        {
            distortion.Apply(values, random);
        }

        normalization.Apply(values);
    }
}
