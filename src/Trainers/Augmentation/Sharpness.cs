using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Blends an image with a smoothed one, as Pillow's ImageEnhance.Sharpness does. Pixels at the edge are left as they are.
/// </summary>
/// <remarks>To be used by one thread at a time.</remarks>
/// <param name="shape">The images' shape.</param>
internal sealed class Sharpness(ImageShape shape)
{
    private readonly float[] _original = new float[shape.Size];
    private readonly float[] _columnSums = new float[shape.Width * shape.Channels];

    /// <summary>Sharpens or blurs an image of levels from 0 to 255 in place.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="factor">0 for smoothed, 1 for no change, more for sharper.</param>
    public void Apply(Span<float> pixels, float factor)
    {
        pixels.CopyTo(_original);
        var (channels, rowSize) = (shape.Channels, _columnSums.Length);
        var inner = rowSize - 2 * channels;
        for (var start = rowSize; inner > 0 && start + rowSize < pixels.Length; start += rowSize)
        {
            var row = _original.AsSpan(start, rowSize);
            TensorPrimitives.Add(_original.AsSpan(start - rowSize, rowSize), row, _columnSums);
            TensorPrimitives.Add(_columnSums, _original.AsSpan(start + rowSize, rowSize), _columnSums);

            // The kernel is 1 everywhere but 5 in the middle, over 13: the sum of all nine, and four times the middle.
            var result = pixels.Slice(start + channels, inner);
            var middle = row.Slice(channels, inner);
            TensorPrimitives.Add(_columnSums.AsSpan(0, inner), _columnSums.AsSpan(channels, inner), result);
            TensorPrimitives.Add(result, _columnSums.AsSpan(2 * channels, inner), result);
            TensorPrimitives.MultiplyAdd(middle, 4, result, result);

            TensorPrimitives.Multiply(result, (1 - factor) / 13, result);
            TensorPrimitives.MultiplyAdd(middle, factor, result, result);
        }

        ColorOperations.Clamp(pixels);
    }
}
