using System.Numerics;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

/// <summary>Something that varies images, as the loader uses it: stored images in, a batch of pixels out.</summary>
/// <param name="augmentation">Makes the images.</param>
/// <param name="distortion">What happens to each of them then.</param>
/// <param name="mixing">What happens to all of them at last.</param>
internal sealed class Subject(IAugmentation augmentation, IDistortion? distortion = null, Mixing? mixing = null)
{
    private const int Count = 3;

    /// <summary>Gets the shape of the stored images.</summary>
    public ImageShape Stored { get; init; } = new(3, 16, 16);

    /// <summary>Gets the shape of the batch's images.</summary>
    public ImageShape Output { get; init; } = new(3, 16, 16);

    /// <summary>Gets the range of the result, for images from 0 to 255.</summary>
    public (float Lowest, float Highest) Range { get; init; } = (0, 255);

    /// <summary>Gets whether different dice give different images.</summary>
    public bool Varies { get; init; } = true;

    /// <summary>Draws stored images; every level from 0 to 255 is likely.</summary>
    public StoredImage<byte>[] Images()
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, Count).Select(i =>
        {
            var pixels = Pictures.Draw(i, Stored.Height, Stored.Width, Stored.Channels, random);
            random.NextBytes(pixels.AsSpan(0, pixels.Length / 2));
            (pixels[^1], pixels[^2]) = (0, 255);
            return new StoredImage<byte>(pixels, Stored.Height, Stored.Width, i, 1);
        })];
    }

    /// <summary>Gets room for a batch, in which what is never written is no number.</summary>
    public float[] Batch()
    {
        var batch = new float[Count * Output.Size];
        Array.Fill(batch, float.NaN);
        return batch;
    }

    public void Apply<T>(StoredImage<T>[] images, float[] batch, Random random)
        where T : unmanaged, INumberBase<T>
    {
        for (var i = 0; i < images.Length; i++)
        {
            var output = batch.AsSpan(i * Output.Size, Output.Size);
            augmentation.Apply(in images[i], output, random);
            distortion?.Apply(output, random);
        }

        mixing?.Apply(batch, images.Length, Output, random);
    }
}
