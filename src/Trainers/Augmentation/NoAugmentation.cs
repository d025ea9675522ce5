using System.Numerics;
using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The image as it is: for validation, and for training without augmentation. Its size must be the network's.</summary>
internal sealed class NoAugmentation : IAugmentation
{
    public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T>
    {
        if (image.Pixels.Length != output.Length)
        {
            throw new ArgumentException(
                $"A stored image of {image.Height}×{image.Width} pixels has {image.Pixels.Length} values, "
                + $"but without augmentation it must have the output's {output.Length}.",
                nameof(image));
        }

        TensorPrimitives.ConvertTruncating<T, float>(image.Pixels, output);
    }
}
