using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class ScaleJitterCropAndFlipTests
{
    private static readonly ImageShape Shape = new(3, 224, 224);

    [Theory]
    [InlineData(480, 640)]
    [InlineData(640, 480)]
    [InlineData(100, 100)]
    public void TheShorterSideIsUniformBetween256And480AndTheCropAnywhere(int height, int width)
    {
        var random = new Random(1);
        var crops = Enumerable.Range(0, 4000).Select(_ => ScaleJitterCropAndFlip.Draw(Shape, height, width, random)).ToArray();

        // As large as the whole image must be for the crop to be 224.
        double[] shorterSides = [.. crops.Select(crop => Math.Min(height, width) * 224 / crop.Height).Order()];
        Assert.InRange(shorterSides[0], 256, 257);
        Assert.InRange(shorterSides[1000], 306, 318);
        Assert.InRange(shorterSides[2000], 362, 374);
        Assert.InRange(shorterSides[3000], 418, 430);
        Assert.InRange(shorterSides[^1], 479, 480.001);

        Assert.All(crops, crop => Assert.Equal(crop.Height, crop.Width, 1e-9));
        AssertUniform([.. crops.Select(crop => crop.Left / (width - crop.Width))]);
        AssertUniform([.. crops.Select(crop => crop.Top / (height - crop.Height))]);
    }

    [Fact]
    public void AnotherOutputSizeShowsTheSamePartOfTheImage()
    {
        for (var dice = 0; dice < 20; dice++)
        {
            var crop = ScaleJitterCropAndFlip.Draw(Shape, 480, 640, new Random(dice));
            Assert.Equal(crop, ScaleJitterCropAndFlip.Draw(new ImageShape(3, 112, 112), 480, 640, new Random(dice)));
        }
    }

    [Fact]
    public void AnObjectKeepsItsProportions()
    {
        // A disc of 120 pixels in an image of 240×360: whatever the crop, it is as high as it is wide, if it is whole in it.
        var disc = new byte[240 * 360];
        for (var i = 0; i < disc.Length; i++)
        {
            disc[i] = Math.Pow(i / 360 - 119.5, 2) + Math.Pow(i % 360 - 179.5, 2) < 3600 ? (byte)255 : (byte)0;
        }

        var image = new StoredImage<byte>(disc, 240, 360, 0, 1);
        var augmentation = new ScaleJitterCropAndFlip(new ImageShape(1, 96, 96), flip: true);
        var whole = 0;
        for (var dice = 0; dice < 100; dice++)
        {
            var output = new float[96 * 96];
            augmentation.Apply(in image, output, new Random(SeedMixer.Mix(1, dice)));
            int[] inside = [.. Enumerable.Range(0, output.Length).Where(i => output[i] > 127)];
            if (inside.Length == 0 || inside.Any(i => i / 96 is 0 or 95 || i % 96 is 0 or 95))
            {
                continue;
            }

            whole++;
            var (height, width) = (inside.Max(i => i / 96) - inside.Min(i => i / 96), inside.Max(i => i % 96) - inside.Min(i => i % 96));
            Assert.InRange(height - width, -1, 1);
            Assert.InRange(height, 96 * 120.0 / 240 * 256 / 224 - 3, 96);
        }

        Assert.InRange(whole, 10, 90);
    }

    private static void AssertUniform(double[] values)
    {
        Assert.All(values, value => Assert.InRange(value, 0, 1));
        Assert.Equal(0.5, values.Average(), 0.02);
        Assert.Equal(1.0 / 12, values.Select(value => Math.Pow(value - 0.5, 2)).Average(), 0.005);
    }
}
