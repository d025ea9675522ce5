using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class CropAndFlipTests
{
    private static readonly ImageShape Shape = new(3, 16, 16);
    private static readonly Normalization Normalization = Subtracting([10, 20, 30]);

    // Pixels say where they are: channel 0 the row, channel 1 the column, channel 2 always 255.
    private static readonly StoredImage<byte> Map =
        new(Enumerable.Range(0, 256).SelectMany(i => (byte[])[(byte)(100 + i / 16), (byte)(100 + i % 16), 255]).ToArray(), 16, 16, 0, 1);

    [Fact]
    public void ShiftsByAtMostAnEighthAndPadsWithTheMean()
    {
        var augmentation = new CropAndFlip(Shape, Normalization, flip: true);
        var (shifts, flips) = (new HashSet<(int, int)>(), 0);
        for (var seed = 0; seed < 500; seed++)
        {
            var output = Apply(augmentation, seed, Shape);
            var center = (8 * 16 + 8) * 3;
            var mirrored = output[center + 1] > output[center + 4];
            flips += mirrored ? 1 : 0;
            shifts.Add(((int)output[center] - 108, (int)output[center + 1] - (mirrored ? 107 : 108)));
            for (var i = 0; i < output.Length; i += 3)
            {
                Assert.True(output[i + 2] == 255 || (output[i], output[i + 1], output[i + 2]) == (10, 20, 30));
            }
        }

        Assert.Equal(25, shifts.Count); // 16 / 8 = 2 pixels each way, so 5 × 5
        Assert.InRange(shifts.Max(shift => Math.Max(Math.Abs(shift.Item1), Math.Abs(shift.Item2))), 2, 2);
        Assert.InRange(flips, 200, 300);
    }

    [Fact]
    public void WithoutFlipNothingIsMirrored()
    {
        var augmentation = new CropAndFlip(Shape, Normalization, flip: false);
        for (var seed = 0; seed < 50; seed++)
        {
            var output = Apply(augmentation, seed, Shape);
            Assert.True(output[(8 * 16 + 4) * 3 + 1] < output[(8 * 16 + 11) * 3 + 1]);
        }
    }

    [Fact]
    public void AMeanImageMovesWithThePixels()
    {
        ImmutableArray<float> mean = [.. Enumerable.Range(0, Shape.Size).Select(i => (float)(i * 31 % 97))]; // planar
        var normalization = Subtracting(mean);
        var zeros = Subtracting([0, 0, 0]);
        var deviations = new StoredImage<float>(
            Map.Values.ToArray().Select((value, i) => value - normalization.Mean[i]).ToArray(), 16, 16, 0, 1);
        for (var seed = 0; seed < 50; seed++)
        {
            var output = Apply(new CropAndFlip(Shape, normalization, flip: true), seed, Shape);
            normalization.Apply(output);

            // The paper subtracts first, and crops then.
            var expected = new float[Shape.Size];
            new CropAndFlip(Shape, zeros, flip: true).Apply(in deviations, expected, RandomFor(seed));
            Assert.Equal(expected, output, (a, b) => Math.Abs(a - b) < 1e-3);
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(24)]
    public void AnotherSizeShowsTheSameCropResized(int side)
    {
        var shape = new ImageShape(3, side, side);
        for (var seed = 0; seed < 20; seed++)
        {
            var crop = Apply(new CropAndFlip(Shape, Normalization, flip: true), seed, Shape);
            var resized = new float[shape.Size];
            Resampler.Resize(new SourcePixels<float>(crop, 16, 16, 3, [0, 1, 2]), resized, side, side);

            Assert.Equal(resized, Apply(new CropAndFlip(Shape, Normalization, flip: true, shape), seed, shape));
        }
    }

    private static float[] Apply(CropAndFlip augmentation, int seed, ImageShape shape)
    {
        var output = new float[shape.Size];
        augmentation.Apply(in Map, output, RandomFor(seed));
        return output;
    }

    private static Random RandomFor(int number) => new(SeedMixer.Mix(1, number));

    private static Normalization Subtracting(ImmutableArray<float> mean) => new(new ImagePreprocessing(Shape, mean, [1, 1, 1]));
}
