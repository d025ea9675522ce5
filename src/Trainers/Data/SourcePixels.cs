using System.Numerics;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The pixels of an image that is to be resized, channels last.</summary>
/// <param name="values">The values of all pixels, row by row.</param>
/// <param name="height">The image's height in pixels.</param>
/// <param name="width">The image's width in pixels.</param>
/// <param name="stride">The values from one pixel to the next.</param>
/// <param name="channels">The channels to take of each pixel, in the order wanted.</param>
internal readonly ref struct SourcePixels<T>(ReadOnlySpan<T> values, int height, int width, int stride, ReadOnlySpan<int> channels)
    where T : unmanaged, INumberBase<T>
{
    public ReadOnlySpan<T> Values { get; } = values;

    public int Height { get; } = height;

    public int Width { get; } = width;

    public int Stride { get; } = stride;

    public ReadOnlySpan<int> Channels { get; } = channels;

    public CropWindow Whole => CropWindow.Whole(Height, Width);
}
