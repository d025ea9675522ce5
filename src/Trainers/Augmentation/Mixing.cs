using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Mixes each image of a batch with the one before it, and the first with the last: by mixup, which blends them (Zhang et al., 2018,
/// https://arxiv.org/abs/1710.09412), or by CutMix, which puts a rectangle of one into the other (Yun et al., 2019,
/// https://arxiv.org/abs/1905.04899).
/// </summary>
/// <remarks>
/// One share holds for the whole batch, as in torchvision's reference; the loss must mix labels in the same way. To be used by one thread
/// at a time.
/// </remarks>
internal sealed class Mixing
{
    private readonly double _mixup;
    private readonly double _cutMix;
    private float[] _last = [];
    private int _first, _end; // of the images that are mixed

    /// <param name="mixup">The α of mixup's Beta(α, α); 0 for no mixup.</param>
    /// <param name="cutMix">The α of CutMix's Beta(α, α); 0 for no CutMix. If both are on, each batch gets one of them at random, with
    /// equal probability.</param>
    public Mixing(double mixup, double cutMix)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(mixup);
        ArgumentOutOfRangeException.ThrowIfNegative(cutMix);
        ArgumentOutOfRangeException.ThrowIfZero(mixup + cutMix);
        _mixup = mixup;
        _cutMix = cutMix;
    }

    /// <summary>Mixes the images of a batch in place.</summary>
    /// <param name="images">Normalized images, channels last, one after the other; what follows the last one is left alone.</param>
    /// <param name="count">The number of images, at least 1.</param>
    /// <param name="shape">The images' shape.</param>
    /// <param name="random">The only source of randomness.</param>
    /// <returns>The weight of each image's own label; the rest is that of the image before it.</returns>
    public float Apply(Span<float> images, int count, ImageShape shape, Random random) => Apply(images, count, shape, random, ..count);

    /// <summary>Mixes some images of a batch in place, as they would be if all were.</summary>
    /// <param name="images">As above; only those that are mixed, and the one before them, are read.</param>
    /// <param name="count">The number of images, at least 1.</param>
    /// <param name="shape">The images' shape.</param>
    /// <param name="random">The only source of randomness.</param>
    /// <param name="mixed">The images that are mixed; at least one.</param>
    /// <returns>The weight of each image's own label; the rest is that of the image before it.</returns>
    public float Apply(Span<float> images, int count, ImageShape shape, Random random, Range mixed)
    {
        images = images[..(count * shape.Size)];
        (_first, _end) = (mixed.Start.GetOffset(count), mixed.End.GetOffset(count));
        return _cutMix == 0 || (_mixup > 0 && random.Next(2) == 0)
            ? Mixup(images, shape, (float)random.NextBeta(_mixup, _mixup))
            : CutMix(images, shape, random.NextBeta(_cutMix, _cutMix), random);
    }

    private float Mixup(Span<float> images, ImageShape shape, float own)
    {
        MixIn(images, shape.Size, start: 0, length: shape.Size, 1 - own);
        return own;
    }

    // A rectangle of the images' proportions around a random pixel, clipped at the edge. What counts is the share that it really covers.
    private float CutMix(Span<float> images, ImageShape shape, double own, Random random)
    {
        var half = Math.Sqrt(1 - own) / 2;
        var (left, right) = Clip(random.Next(shape.Width), (int)(half * shape.Width), shape.Width);
        var (top, bottom) = Clip(random.Next(shape.Height), (int)(half * shape.Height), shape.Height);
        for (var y = top; y < bottom; y++)
        {
            MixIn(images, shape.Size, (y * shape.Width + left) * shape.Channels, (right - left) * shape.Channels, share: 1);
        }

        return 1 - (float)((bottom - top) * (right - left)) / (shape.Height * shape.Width);
    }

    private static (int Start, int End) Clip(int center, int half, int size) => (Math.Max(0, center - half), Math.Min(size, center + half));

    // Mixes a part of the image before into each image, from the last one on, so that each is read before it is changed; but the last one,
    // of which a copy is kept.
    private void MixIn(Span<float> images, int imageSize, int start, int length, float share)
    {
        if (_last.Length < length)
        {
            _last = new float[imageSize];
        }

        var last = _last.AsSpan(0, length);
        if (_first == 0)
        {
            images.Slice(images.Length - imageSize + start, length).CopyTo(last);
        }

        for (var image = _end - 1; image >= _first; image--)
        {
            var own = images.Slice(image * imageSize + start, length);
            var before = image == 0 ? last : images.Slice((image - 1) * imageSize + start, length);
            TensorPrimitives.Lerp(own, before, share, own);
        }
    }
}
