using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Turns a stored image into one that the network trains on.</summary>
/// <remarks>Instances reuse their buffers: to be used by one thread at a time.</remarks>
internal interface IAugmentation
{
    /// <summary>Writes one version of an image.</summary>
    /// <param name="image">The stored image; not changed.</param>
    /// <param name="output">Pixels in the image's own units, channels last, of the shape given to the constructor; every value is
    /// written.</param>
    /// <param name="random">The only source of randomness.</param>
    void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T>;
}
