using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class CenterCropTests
{
    [Theory]
    [InlineData(0, 2, 6)] // the square in the middle
    [InlineData(2, 3, 5)] // half of it: two pixels of eight are cut off on each side
    public void TheMiddleIsTaken(int border, int first, int last)
    {
        // One channel, 4 rows of 8 pixels, each of which says its column.
        float[] columns = [.. Enumerable.Range(0, 32).Select(i => (float)(i % 8))];
        var image = new StoredImage<float>(columns, 4, 8, Label: 0, Weight: 1);
        var preprocessing = new ImagePreprocessing(new ImageShape(1, 4, 4), [0], [1]) { CropBorder = border };
        var output = new float[16];

        new CenterCrop(preprocessing).Apply(in image, output, new Random(1));

        Assert.Equal((first + last - 1) / 2.0, output.Average(), tolerance: 1e-4);
        Assert.InRange(output.Min(), first - 0.3, first + 0.3);
        Assert.InRange(output.Max(), last - 1.3, last - 0.7);
    }

    [Fact]
    public void AnImageOfTheInputsSizeIsLeftAsItIs()
    {
        float[] pixels = [.. Enumerable.Range(0, 48).Select(i => i * 3f)];
        var image = new StoredImage<float>(pixels, 4, 4, Label: 0, Weight: 1);
        var output = new float[48];

        new CenterCrop(new ImagePreprocessing(new ImageShape(3, 4, 4), [0, 0, 0], [1, 1, 1])).Apply(in image, output, new Random(1));

        Assert.All(pixels.Zip(output), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4));
    }
}
