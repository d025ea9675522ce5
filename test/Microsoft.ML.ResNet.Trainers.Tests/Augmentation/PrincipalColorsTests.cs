using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class PrincipalColorsTests
{
    [Fact]
    public void FindsTheDirectionsInWhichColoursDifferAndHowMuch()
    {
        // Around (100, 110, 120): ±30 along (2, 2, 1)/3, ±9 along (1, −1, 0)/√2, nothing else. Each
        // sign with each, so the deviations are 30 and 9.
        Vector3 center = new(100, 110, 120), first = new Vector3(2, 2, 1) / 3, second = Vector3.Normalize(new Vector3(1, -1, 0));
        Vector3[] colors = [center + 30 * first + 9 * second, center + 30 * first - 9 * second, center - 30 * first + 9 * second,
            center - 30 * first - 9 * second];
        float[] pixels = [.. colors.SelectMany(color => (float[])[color.X, color.Y, color.Z])];

        // In two images, of different shapes.
        var components = PrincipalColors.Measure<float>([new(pixels[..3], 1, 1, 0, 1), new(pixels[3..], 1, 3, 0, 1)]);

        Assert.Equal(30, components.First.Length(), 1e-2);
        Assert.Equal(30, Math.Abs(Vector3.Dot(components.First, first)), 1e-2);
        Assert.Equal(9, components.Second.Length(), 1e-2);
        Assert.Equal(9, Math.Abs(Vector3.Dot(components.Second, second)), 1e-2);
        Assert.Equal(0, components.Third.Length(), 0.05);
    }

    [Fact]
    public void GraysDifferInBrightnessOnly()
    {
        byte[] pixels = [.. Enumerable.Range(0, 256).SelectMany(level => (byte[])[(byte)level, (byte)level, (byte)level])];

        var components = PrincipalColors.Measure<byte>([new(pixels, 16, 16, 0, 1)]);

        var deviation = Math.Sqrt((256 * 256 - 1) / 12.0); // of 0 to 255, uniform
        Assert.All(
            (float[])[components.First.X, components.First.Y, components.First.Z], value => Assert.Equal(deviation, Math.Abs(value), 1e-2));
        Assert.Equal(0, components.Second.Length(), 1e-2);
    }

    [Fact]
    public void AnEvenColourHasNoComponents() =>
        Assert.Equal(default, PrincipalColors.Measure<byte>([new(new byte[] { 7, 8, 9, 7, 8, 9 }, 1, 2, 0, 1)]));

    [Fact]
    public void ImagesOfOtherThanThreeChannelsAreRefused()
    {
        var exception = Assert.Throws<ArgumentException>(() => PrincipalColors.Measure<byte>([new(new byte[4], 2, 2, 0, 1)]));
        Assert.Contains("2×2 pixels has 4 values", exception.Message);
    }
}
