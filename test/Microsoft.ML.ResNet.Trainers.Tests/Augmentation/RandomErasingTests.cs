using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class RandomErasingTests
{
    private static readonly ImageShape Shape = new(3, 64, 48);

    // A mean image whose values say where they are; planar.
    private static readonly Normalization Normalization =
        new(new ImagePreprocessing(Shape, [.. Enumerable.Range(0, Shape.Size).Select(i => i / 8f)], [2, 2, 2]));

    [Fact]
    public void AreaRatioAndPlaceAreDrawnAsPublished()
    {
        var random = new Random(1);
        var drawn = Enumerable.Range(0, 10_000).Select(_ => RandomErasing.Draw(new ImageShape(3, 200, 200), random)).ToArray();

        // Of 200×200 pixels: 2 to 33 %, uniform but for large and long ones that do not fit.
        double[] areas = [.. drawn.Select(box => box.Height * box.Width / 40_000.0).Order()];
        Assert.InRange(areas[0], 0.0195, 0.021);
        Assert.InRange(areas[^1], 0.32, 0.335);
        Assert.Equal(0.175, areas.Average(), 0.005);
        Assert.Equal(0.0975, areas[2500], 0.005);

        double[] ratios = [.. drawn.Select(box => (double)box.Height / box.Width).Order()];
        Assert.InRange(ratios[0], 0.28, 0.32);
        Assert.InRange(ratios[^1], 3.1, 3.5);
        Assert.Equal(1, ratios[5000], 0.05);

        Assert.All(drawn, box => Assert.True(box.Top >= 0 && box.Left >= 0 && box.Top + box.Height <= 200 && box.Left + box.Width <= 200));
        Assert.Contains(drawn, box => box.Top == 0);
        Assert.Contains(drawn, box => box.Top + box.Height == 200);
        Assert.Contains(drawn, box => box.Left == 0);
        Assert.Contains(drawn, box => box.Left + box.Width == 200);
    }

    [Fact]
    public void ARectangleIsZeroAfterNormalizationAndTheRestIsUntouched()
    {
        float[] original = [.. Enumerable.Repeat(5000f, Shape.Size)];
        for (var dice = 0; dice < 50; dice++)
        {
            float[] pixels = [.. original];
            new RandomErasing(Shape, Normalization, probability: 1).Apply(pixels, new Random(SeedMixer.Mix(1, dice)));
            int[] erased = [.. Enumerable.Range(0, 64 * 48).Where(i => pixels[3 * i] != 5000)];
            Assert.Equal(
                erased.SelectMany(i => (int[])[3 * i, 3 * i + 1, 3 * i + 2]),
                Enumerable.Range(0, Shape.Size).Where(i => pixels[i] != 5000));

            var (top, bottom, left, right) =
                (erased.Min(i => i / 48), erased.Max(i => i / 48), erased.Min(i => i % 48), erased.Max(i => i % 48));
            Assert.Equal((bottom - top + 1) * (right - left + 1), erased.Length);

            Normalization.Apply(pixels);
            Assert.All(erased, i => Assert.Equal((0, 0, 0), (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2])));
        }
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.1, 70, 130)]
    [InlineData(1, 1000, 1000)]
    public void TheProbabilityIsTheShareOfImages(double probability, int least, int most)
    {
        var erasing = new RandomErasing(Shape, Normalization, probability);
        var erased = Enumerable.Range(0, 1000).Count(dice =>
        {
            float[] pixels = [.. Enumerable.Repeat(5000f, Shape.Size)];
            erasing.Apply(pixels, new Random(SeedMixer.Mix(1, dice)));
            return pixels.Any(value => value != 5000);
        });

        Assert.InRange(erased, least, most);
    }

    [Fact]
    public void WhereNothingFitsNothingIsErased()
    {
        var shape = new ImageShape(1, 1, 500);
        float[] pixels = [.. Enumerable.Repeat(5000f, 500)];
        new RandomErasing(shape, new Normalization(new ImagePreprocessing(shape, [1], [1])), probability: 1).Apply(pixels, new Random(1));
        Assert.All(pixels, value => Assert.Equal(5000, value));
    }
}
