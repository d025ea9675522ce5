using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class ColorPcaTests
{
    [Fact]
    public void TheNoiseIsTheSameForEveryPixelOfAnImage()
    {
        float[] scene = [.. Scene.Draw(20, 20).Select(value => (float)value)];
        var noise = new ColorPca(PrincipalColors.Measure<byte>([new StoredImage<byte>(Scene.Draw(20, 20), 20, 20, 0, 1)]), deviation: 0.1);
        for (var dice = 0; dice < 20; dice++)
        {
            float[] pixels = [.. scene];
            noise.Apply(pixels, new Random(SeedMixer.Mix(1, dice)));
            for (var i = 0; i < pixels.Length; i++)
            {
                Assert.Equal(pixels[i % 3] - scene[i % 3], pixels[i] - scene[i], 1e-3);
            }
        }
    }

    [Fact]
    public void TheNoiseHasTheColoursCovarianceScaledByTheDeviation()
    {
        var colors = new PrincipalColors(new Vector3(40, 40, 20), new Vector3(-6, 6, 0), new Vector3(1, 1, -4));
        var noise = new ColorPca(colors, deviation: 0.1);
        var random = new Random(1);
        Vector3[] drawn = [.. Enumerable.Range(0, 20_000).Select(_ =>
        {
            var pixel = new float[3];
            noise.Apply(pixel, random);
            return new Vector3(pixel);
        })];

        // Along each component, a tenth of its length: the components are perpendicular.
        foreach (var component in (Vector3[])[colors.First, colors.Second, colors.Third])
        {
            var along = drawn.Select(shift => (double)Vector3.Dot(shift, component) / component.Length()).ToArray();
            Assert.Equal(0, along.Average() / component.Length(), 0.003);
            Assert.Equal(0.1, Math.Sqrt(along.Average(value => value * value)) / component.Length(), 0.002);
        }
    }

    [Fact]
    public void WithoutDeviationNothingChanges()
    {
        float[] pixels = [1, 2, 3];
        new ColorPca(new PrincipalColors(Vector3.One, Vector3.UnitX, Vector3.UnitY), deviation: 0).Apply(pixels, new Random(1));
        Assert.Equal([1, 2, 3], pixels);
    }
}
