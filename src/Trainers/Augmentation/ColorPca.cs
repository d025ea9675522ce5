using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Adds one random colour to all pixels of an image, drawn along the principal components of the training set's colours: an object stays
/// the same in another light (Krizhevsky et al., 2012, section 4.1; He et al., 2016, section 3.4).
/// </summary>
/// <remarks>
/// The paper's formula scales components by the eigenvalues of the covariance; for levels of 0 to 255 even a tenth of them is out of all
/// range. Its authors' code (ColorNoiseMakerThread in cuda-convnet) scales by their square roots, the standard deviations, and so does
/// this. Nothing is clamped: the noise is the same for all pixels.
/// </remarks>
/// <param name="colors">The training set's principal colours.</param>
/// <param name="deviation">The standard deviation along each component, relative to the training set's. The papers' is 0.1.</param>
internal sealed class ColorPca(PrincipalColors colors, double deviation) : IDistortion
{
    public void Apply(Span<float> pixels, Random random)
    {
        var shift = Draw(random);
        foreach (ref var pixel in MemoryMarshal.Cast<float, Vector3>(pixels))
        {
            pixel += shift;
        }
    }

    private Vector3 Draw(Random random)
    {
        var first = colors.First * (float)(deviation * random.NextGaussian());
        var second = colors.Second * (float)(deviation * random.NextGaussian());
        var third = colors.Third * (float)(deviation * random.NextGaussian());
        return first + second + third;
    }
}
