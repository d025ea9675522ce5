using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class ResizedCropAndFlipTests
{
    [Theory]
    [InlineData(300, 500)]
    [InlineData(500, 300)]
    [InlineData(2000, 20)]
    [InlineData(1, 1)]
    public void TheCropStaysInsideTheImage(int height, int width)
    {
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            var crop = ResizedCropAndFlip.Draw(height, width, random);
            Assert.True(
                crop.Left >= 0 && crop.Top >= 0 && crop.Left + crop.Width <= width + 1e-9 && crop.Top + crop.Height <= height + 1e-9);
            Assert.InRange(crop.Width / crop.Height, 0.749, 1.334);
        }
    }

    [Fact]
    public void TheMirrorImageTurnsPixelsRoundButNotTheirChannels()
    {
        var shape = new ImageShape(3, 12, 9);
        var image = new StoredImage<byte>(Scene.Draw(40, 50), 40, 50, 0, 1);
        var mirrored = 0;
        for (var dice = 0; dice < 50; dice++)
        {
            float[] plain = new float[shape.Size], output = new float[shape.Size];
            new ResizedCropAndFlip(shape, flip: false).Apply(in image, plain, new Random(SeedMixer.Mix(1, dice)));
            new ResizedCropAndFlip(shape, flip: true).Apply(in image, output, new Random(SeedMixer.Mix(1, dice)));
            float[] mirror = [.. plain.Chunk(3).Chunk(shape.Width).SelectMany(row => row.Reverse()).SelectMany(pixel => pixel)];

            Assert.True(output.SequenceEqual(plain) || output.SequenceEqual(mirror));
            mirrored += output.SequenceEqual(mirror) ? 1 : 0;
        }

        Assert.InRange(mirrored, 15, 35);
    }
}
