using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>
/// Changes of an image's colours, in place, as Pillow's ImageEnhance and ImageOps define them, but not rounded to whole levels. Values are
/// levels of brightness, channels last; whatever they were before, they are from 0 to 255 afterwards.
/// </summary>
internal static class ColorOperations
{
    private const int Levels = 256;
    private const float White = Levels - 1;

    /// <summary>Blends with black.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="factor">0 for black, 1 for no change, more for brighter.</param>
    public static void Brightness(Span<float> pixels, float factor)
    {
        TensorPrimitives.Multiply(pixels, factor, pixels);
        Clamp(pixels);
    }

    /// <summary>Blends with the image's own grayscale. Nothing changes if it has but one channel.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="factor">0 for grayscale, 1 for no change, more for more vivid.</param>
    public static void Saturation(Span<float> pixels, int channels, float factor)
    {
        if (channels == 3)
        {
            for (var i = 0; i < pixels.Length; i += 3)
            {
                var pixel = pixels.Slice(i, 3);
                var grey = (1 - factor) * Luma(pixel);
                pixel[0] = factor * pixel[0] + grey;
                pixel[1] = factor * pixel[1] + grey;
                pixel[2] = factor * pixel[2] + grey;
            }
        }

        Clamp(pixels);
    }

    /// <summary>Blends with the image's mean brightness.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="factor">0 for an even grey, 1 for no change, more for more contrast.</param>
    public static void Contrast(Span<float> pixels, int channels, float factor)
    {
        var sum = 0.0;
        for (var i = 0; i < pixels.Length; i += channels)
        {
            sum += channels == 3 ? Luma(pixels.Slice(i, 3)) : pixels[i];
        }

        var mean = (float)(sum / (pixels.Length / channels));
        TensorPrimitives.Multiply(pixels, factor, pixels);
        TensorPrimitives.Add(pixels, (1 - factor) * mean, pixels);
        Clamp(pixels);
    }

    /// <summary>Keeps the highest bits of every level.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="bits">The number of bits, 1 to 8.</param>
    public static void Posterize(Span<float> pixels, int bits)
    {
        var mask = -1 << (8 - bits);
        foreach (ref var value in pixels)
        {
            value = Level(value) & mask;
        }
    }

    /// <summary>Inverts what is bright.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="threshold">The lowest level that is inverted.</param>
    public static void Solarize(Span<float> pixels, float threshold)
    {
        foreach (ref var value in pixels)
        {
            value = value >= threshold ? White - value : value;
        }

        Clamp(pixels);
    }

    /// <summary>Stretches each channel so that its darkest value is 0 and its brightest 255.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="channels">The number of channels.</param>
    public static void AutoContrast(Span<float> pixels, int channels)
    {
        for (var channel = 0; channel < channels; channel++)
        {
            var (darkest, brightest) = (float.PositiveInfinity, float.NegativeInfinity);
            for (var i = channel; i < pixels.Length; i += channels)
            {
                darkest = Math.Min(darkest, pixels[i]);
                brightest = Math.Max(brightest, pixels[i]);
            }

            if (brightest == darkest)
            {
                continue;
            }

            var scale = White / (brightest - darkest);
            for (var i = channel; i < pixels.Length; i += channels)
            {
                pixels[i] = (pixels[i] - darkest) * scale;
            }
        }

        Clamp(pixels);
    }

    /// <summary>Redistributes the levels of each channel so that its histogram is as flat as it can be.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="channels">The number of channels.</param>
    public static void Equalize(Span<float> pixels, int channels)
    {
        Span<int> histogram = stackalloc int[Levels], newLevels = stackalloc int[Levels];
        for (var channel = 0; channel < channels; channel++)
        {
            histogram.Clear();
            for (var i = channel; i < pixels.Length; i += channels)
            {
                histogram[Level(pixels[i])]++;
            }

            // The pixels per step of the result. Those of the brightest level do not count, since no step follows them.
            var step = (pixels.Length / channels - histogram[histogram.LastIndexOfAnyExcept(0)]) / (Levels - 1);
            if (step == 0)
            {
                continue;
            }

            // A level's place is the number of steps that darker pixels fill, rounded.
            var darker = step / 2;
            for (var level = 0; level < Levels; level++)
            {
                newLevels[level] = Math.Min(darker / step, Levels - 1);
                darker += histogram[level];
            }

            for (var i = channel; i < pixels.Length; i += channels)
            {
                pixels[i] = newLevels[Level(pixels[i])];
            }
        }

        Clamp(pixels);
    }

    /// <summary>Brings every value into the range of levels.</summary>
    public static void Clamp(Span<float> pixels)
    {
        TensorPrimitives.Max<float>(pixels, 0, pixels);
        TensorPrimitives.Min<float>(pixels, White, pixels);
    }

    // ITU-R BT.601, as in Pillow's mode "L".
    private static float Luma(ReadOnlySpan<float> rgb) => 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];

    private static int Level(float value) => (int)Math.Clamp(MathF.Round(value), 0, White);
}
