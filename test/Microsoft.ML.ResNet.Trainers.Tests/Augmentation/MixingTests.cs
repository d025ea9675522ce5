using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class MixingTests
{
    private static readonly ImageShape Shape = new(3, 20, 12);

    [Fact]
    public void MixupBlendsEachImageWithTheOneBeforeByTheSharesOfTheLabels()
    {
        for (var dice = 0; dice < 50; dice++)
        {
            var (own, images) = Mix(new Mixing(mixup: 0.2, cutMix: 0), dice);

            Assert.InRange(own, 0, 1);
            for (var i = 0; i < 4; i++)
            {
                Assert.All(images[i], value => Assert.Equal(own * Value(i) + (1 - own) * Value(i - 1), value, 1e-4));
            }
        }
    }

    [Fact]
    public void CutMixPutsARectangleOfTheImageBeforeIntoEachAndTheLabelsCountItsPixels()
    {
        var shares = new List<float>();
        for (var dice = 0; dice < 200; dice++)
        {
            var (own, images) = Mix(new Mixing(mixup: 0, cutMix: 1), dice);
            shares.Add(own);
            HashSet<int> cut = [.. Enumerable.Range(0, Shape.Size).Where(i => images[0][i] != Value(0))];

            Assert.Equal(1 - cut.Count / (float)Shape.Size, own, 1e-6);
            for (var i = 0; i < 4; i++)
            {
                Assert.Equal(Enumerable.Range(0, Shape.Size).Select(at => cut.Contains(at) ? Value(i - 1) : Value(i)), images[i]);
            }

            if (cut.Count > 0)
            {
                int[] rows = [.. cut.Select(at => at / 36).Distinct()], columns = [.. cut.Select(at => at / 3 % 12).Distinct()];
                Assert.Equal(cut.Count, 3 * (rows.Max() - rows.Min() + 1) * (columns.Max() - columns.Min() + 1));
            }
        }

        // Uniform for α = 1, but for the pixels that are cut off at the edge.
        Assert.InRange(shares.Average(), 0.55, 0.8);
        Assert.InRange(shares.Min(), 0, 0.3);
        Assert.InRange(shares.Max(), 0.95, 1);
    }

    [Fact]
    public void IfBothAreOnEachBatchGetsOneOfThem()
    {
        var blended = Enumerable.Range(0, 400).Count(dice =>
            Mix(new Mixing(mixup: 1, cutMix: 1), dice).Images[1].All(value => value != Value(0) && value != Value(1)));

        Assert.InRange(blended, 160, 240);
    }

    [Theory]
    [InlineData(0.2, 0)]
    [InlineData(0, 1)]
    public void WhatFollowsTheBatchIsLeftAlone(double mixup, double cutMix)
    {
        float[] room = [.. Enumerable.Range(0, 3 * Shape.Size).Select(i => (float)i)];
        for (var dice = 0; dice < 20; dice++)
        {
            new Mixing(mixup, cutMix).Apply(room, count: 2, Shape, new Random(SeedMixer.Mix(1, dice)));
        }

        Assert.Equal(Enumerable.Range(2 * Shape.Size, Shape.Size).Select(i => (float)i), room[(2 * Shape.Size)..]);
        Assert.NotEqual(Enumerable.Range(0, 2 * Shape.Size).Select(i => (float)i), room[..(2 * Shape.Size)]);
    }

    // Training sizes may grow from epoch to epoch.
    [Fact]
    public void OneInstanceMixesBatchesOfAnySize()
    {
        var mixing = new Mixing(mixup: 1, cutMix: 1);
        for (var side = 4; side < 20; side++)
        {
            var shape = new ImageShape(3, side, side);
            float[] images = [.. Enumerable.Repeat(0f, shape.Size), .. Enumerable.Repeat(1f, shape.Size)];
            var own = mixing.Apply(images, count: 2, shape, new Random(SeedMixer.Mix(1, side)));

            Assert.Equal(1 - own, images[..shape.Size].Average(), 1e-5);
            Assert.Equal(own, images[shape.Size..].Average(), 1e-5);
        }
    }

    [Theory]
    [InlineData(0.2, 0)]
    [InlineData(0, 1)]
    public void ASingleImageIsItsOwnPartner(double mixup, double cutMix)
    {
        float[] original = [.. Enumerable.Range(0, Shape.Size).Select(i => i - 300f)], image = [.. original];
        new Mixing(mixup, cutMix).Apply(image, count: 1, Shape, new Random(1));
        Assert.Equal(original, image, (a, b) => Math.Abs(a - b) < 1e-3);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 1)]
    [InlineData(1, -1)]
    public void ShapesThatSayNothingAreRefused(double mixup, double cutMix) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Mixing(mixup, cutMix));

    // A batch of four even images.
    private static (float Own, float[][] Images) Mix(Mixing mixing, int dice)
    {
        float[] images = [.. Enumerable.Range(0, 4).SelectMany(i => Enumerable.Repeat(Value(i), Shape.Size))];
        var own = mixing.Apply(images, count: 4, Shape, new Random(SeedMixer.Mix(1, dice)));
        return (own, [.. images.Chunk(Shape.Size)]);
    }

    // Of image i; that before image 0 is image 3.
    private static float Value(int i) => (i + 4) % 4 * 10 - 5;
}
