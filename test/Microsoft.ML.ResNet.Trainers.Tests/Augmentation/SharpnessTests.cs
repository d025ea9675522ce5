using Microsoft.ML.ResNet.Trainers.Augmentation;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class SharpnessTests
{
    // Five by six pixels of two channels; a bright dot in the middle of channel 0, an even channel 1.
    private static readonly ImageShape Shape = new(2, 5, 6);
    private const int Dot = (2 * 6 + 3) * 2;

    [Fact]
    public void SmoothingSpreadsADotOverItsNeighbours()
    {
        var pixels = After(factor: 0);

        Assert.Equal(130 * 5 / 13f, pixels[Dot], 1e-3);
        foreach (var neighbour in (int[])[-14, -12, -10, -2, 2, 10, 12, 14])
        {
            Assert.Equal(130 / 13f, pixels[Dot + neighbour], 1e-3);
        }

        Assert.Equal(130, Enumerable.Range(0, 30).Sum(i => pixels[2 * i]), 1e-2);
    }

    [Fact]
    public void SharpeningMakesADotBrighterThanItWas() => Assert.Equal(1.5f * 130 - 0.5f * 130 * 5 / 13, After(factor: 1.5f)[Dot], 1e-3);

    [Fact]
    public void AFactorOfOneChangesNothing() => Assert.Equal(Picture(), After(factor: 1), (a, b) => Math.Abs(a - b) < 1e-3);

    [Theory]
    [InlineData(0)]
    [InlineData(1.9f)]
    public void AnotherChannelIsAnotherPicture(float factor) =>
        Assert.All(After(factor).Where((_, i) => i % 2 == 1), value => Assert.Equal(40, value, 1e-3));

    [Fact]
    public void TheEdgeStaysAsItIs()
    {
        var random = new Random(1);
        float[] original = [.. Enumerable.Range(0, Shape.Size).Select(_ => (float)random.Next(256))], pixels = [.. original];
        new Sharpness(Shape).Apply(pixels, 0);

        for (var i = 0; i < pixels.Length; i++)
        {
            var (row, column) = (i / 2 / 6, i / 2 % 6);
            Assert.True(row is 0 or 4 || column is 0 or 5 ? pixels[i] == original[i] : pixels[i] != original[i]);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 9)]
    [InlineData(9, 2)]
    public void APictureThatIsAllEdgeStaysAsItIs(int height, int width)
    {
        float[] pixels = [.. Enumerable.Range(0, height * width).Select(i => (float)i)];
        new Sharpness(new ImageShape(1, height, width)).Apply(pixels, 0);
        Assert.Equal(Enumerable.Range(0, height * width).Select(i => (float)i), pixels);
    }

    private static float[] Picture()
    {
        float[] pixels = [.. Enumerable.Range(0, Shape.Size).Select(i => i % 2 == 0 ? 0f : 40f)];
        pixels[Dot] = 130;
        return pixels;
    }

    private static float[] After(float factor)
    {
        var pixels = Picture();
        new Sharpness(Shape).Apply(pixels, factor);
        return pixels;
    }
}
