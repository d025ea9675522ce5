using Microsoft.ML.ResNet.Trainers.Augmentation;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class ColorOperationsTests
{
    [Fact]
    public void BrightnessIsAFactorUpToWhite()
    {
        float[] pixels = [0, 10, 100, 200];
        ColorOperations.Brightness(pixels, 1.5f);
        Assert.Equal([0, 15, 150, 255], pixels);
    }

    [Fact]
    public void SaturationMovesColoursFromOrToTheirOwnGrey()
    {
        float[] none = [200, 100, 50], same = [200, 100, 50], more = [200, 100, 50], gray = [200, 100, 50];
        ColorOperations.Saturation(none, 3, factor: 0);
        ColorOperations.Saturation(same, 3, factor: 1);
        ColorOperations.Saturation(more, 3, factor: 1.5f);
        ColorOperations.Saturation(gray, 1, factor: 0);

        const float luma = 0.299f * 200 + 0.587f * 100 + 0.114f * 50; // 124.2
        Assert.All(none, value => Assert.Equal(luma, value, 1e-3));
        Assert.Equal([200, 100, 50], same);
        Assert.Equal(1.5f * 200 - 0.5f * luma, more[0], 1e-3);
        Assert.Equal(1.5f * 50 - 0.5f * luma, more[2], 1e-3);
        Assert.Equal([200, 100, 50], gray); // one channel has no colour
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void ContrastMovesEverythingFromOrToTheMeanBrightness(int channels)
    {
        float[] Picture() => [.. new[] { 50f, 100f, 120f }.SelectMany(value => Enumerable.Repeat(value, channels))]; // mean 90
        float[] none = Picture(), half = Picture(), much = Picture();
        ColorOperations.Contrast(none, channels, factor: 0);
        ColorOperations.Contrast(half, channels, factor: 0.5f);
        ColorOperations.Contrast(much, channels, factor: 3);

        Assert.All(none, value => Assert.Equal(90, value, 1e-3));
        Assert.Equal(70, half[0], 1e-3);
        Assert.Equal(105, half[^1], 1e-3);
        Assert.Equal(0, much[0]);
        Assert.Equal(180, much[^1], 1e-3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    public void PosterizeKeepsTheHighestBits(int bits)
    {
        float[] levels = [.. Enumerable.Range(0, 256).Select(level => (float)level)];
        ColorOperations.Posterize(levels, bits);

        Assert.Equal(Enumerable.Range(0, 256).Select(level => (float)(level >> (8 - bits) << (8 - bits))), levels);
        Assert.Equal(1 << bits, levels.Distinct().Count());
    }

    [Fact]
    public void PosterizeTakesTheNearestLevel()
    {
        float[] pixels = [63.6f, 63.4f, -20, 300];
        ColorOperations.Posterize(pixels, bits: 2);
        Assert.Equal([64, 0, 0, 192], pixels);
    }

    [Fact]
    public void SolarizeInvertsFromTheThresholdOn()
    {
        float[] pixels = [0, 99, 99.5f, 100, 101, 255];
        ColorOperations.Solarize(pixels, threshold: 100);
        Assert.Equal([0, 99, 99.5f, 155, 154, 0], pixels);
    }

    [Fact]
    public void AutoContrastStretchesEachChannel()
    {
        // Channel 0 from 50 to 100; channel 1 is even, and stays; channel 2 is stretched already.
        float[] pixels = [50, 7, 0, 75, 7, 255, 100, 7, 10];
        ColorOperations.AutoContrast(pixels, 3);
        Assert.Equal([0, 7, 0, 127.5f, 7, 255, 255, 7, 10], pixels, (a, b) => Math.Abs(a - b) < 1e-3);
    }

    // Counted by hand, by Pillow's rule: 510 pixels below the brightest level are 255 steps of 2 pixels.
    [Fact]
    public void EqualizePutsLevelsWhereTheirRankIs()
    {
        float[] pixels = [.. Enumerable.Repeat(100f, 255), .. Enumerable.Repeat(150f, 255), .. Enumerable.Repeat(200f, 255)];
        ColorOperations.Equalize(pixels, 1);
        Assert.Equal([.. Enumerable.Repeat(0f, 255), .. Enumerable.Repeat(128f, 255), .. Enumerable.Repeat(255f, 255)], pixels);
    }

    [Fact]
    public void EqualizeFlattensTheHistogramOfEachChannel()
    {
        // Three quarters of channel 0 are darker than 32; channel 1 is even.
        var random = new Random(1);
        float[] pixels = [.. Enumerable.Range(0, 20_000).SelectMany(_ => (float[])[(float)(255 * Math.Pow(random.NextDouble(), 8)), 33])];
        float[] before = [.. pixels];
        ColorOperations.Equalize(pixels, 2);

        float[] Channel(float[] all, int channel) => [.. all.Where((_, i) => i % 2 == channel)];
        var (dark, result) = (Channel(before, 0), Channel(pixels, 0));
        Assert.True(dark.Count(value => value < 32) > 15_000);
        for (var quarter = 1; quarter < 4; quarter++)
        {
            // The darkest level alone, half of all, cannot be spread.
            Assert.InRange(
                result.Count(value => value < 64 * quarter),
                20_000 * Math.Max(0.45, quarter / 4.0 - 0.05),
                20_000 * Math.Max(0.55, quarter / 4.0 + 0.05));
        }

        Assert.All(Channel(pixels, 1), value => Assert.Equal(33, value));
        var byBrightness = dark.Zip(result).OrderBy(pair => pair.First).Select(pair => pair.Second).ToArray();
        Assert.Equal(byBrightness.Order(), byBrightness);
    }

    [Fact]
    public void EveryOperationLeavesValuesInRange()
    {
        // After a crop with a mean image values can be outside.
        foreach (var operation in (Action<float[]>[])
        [
            pixels => ColorOperations.Brightness(pixels, 1),
            pixels => ColorOperations.Saturation(pixels, 3, 1), pixels => ColorOperations.Contrast(pixels, 3, 1),
            pixels => ColorOperations.Posterize(pixels, 8),
            pixels => ColorOperations.Solarize(pixels, 255), pixels => ColorOperations.AutoContrast(pixels, 3),
            pixels => ColorOperations.Equalize(pixels, 3),
        ])
        {
            float[] pixels = [-50, -50, -50, 300, 300, 300];
            operation(pixels);
            Assert.All(pixels, value => Assert.InRange(value, 0, 255));
        }
    }
}
