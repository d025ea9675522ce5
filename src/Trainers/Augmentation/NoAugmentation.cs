using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The image as it is: for validation, and for training without augmentation. Its size must be the network's.</summary>
internal sealed class NoAugmentation : IAugmentation
{
    public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T>
    {
        for (var i = 0; i < output.Length; i++)
        {
            output[i] = float.CreateTruncating(image.Pixels[i]);
        }
    }
}
