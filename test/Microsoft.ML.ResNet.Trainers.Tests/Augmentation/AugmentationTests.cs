using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

/// <summary>What everything that varies images must do.</summary>
public sealed class AugmentationTests
{
    private static readonly ImageShape Shape = new(3, 16, 16);
    private static readonly ImageShape Smaller = new(3, 10, 10);
    private static readonly ImageShape Larger = new(3, 20, 20);
    private static readonly ImageShape Gray = new(1, 16, 16);
    private static readonly ImageShape Photograph = new(3, 30, 41);
    private static readonly Normalization Normalization = Subtracting(Shape, [10, 20, 30]);
    private static readonly NoAugmentation None = new();

    private static readonly Dictionary<string, Subject> All = new()
    {
        ["none"] = new(None) { Varies = false },
        ["crop"] = new(new CropAndFlip(Shape, Normalization, flip: true)),
        ["crop, smaller"] = new(new CropAndFlip(Shape, Normalization, flip: true, Smaller)) { Output = Smaller },
        ["crop, larger"] = new(new CropAndFlip(Shape, Normalization, flip: true, Larger)) { Output = Larger },

        // A pixel goes where the mean is another: it leaves the range by up to the difference of
        // means, so that it is in it again less the mean.
        ["crop, mean image"] = new(new CropAndFlip(Shape, Subtracting(Shape, MeanImage()), flip: true)) { Range = (-63, 255 + 63) },
        ["resized crop"] = new(new ResizedCropAndFlip(Shape, flip: true)) { Stored = Photograph },
        ["resized crop, smaller"] = new(new ResizedCropAndFlip(Smaller, flip: true)) { Stored = Photograph, Output = Smaller },
        ["resized crop, gray"] = new(new ResizedCropAndFlip(Gray, flip: true)) { Stored = Gray, Output = Gray },
        ["scale jitter"] = new(new ScaleJitterCropAndFlip(Shape, flip: true)) { Stored = Photograph },
        ["scale jitter, larger"] = new(new ScaleJitterCropAndFlip(Larger, flip: true)) { Stored = Photograph, Output = Larger },
        ["TrivialAugment"] = new(None, new TrivialAugment(Shape, Normalization, levels: true)),
        ["TrivialAugment, gray"] = new(None, new TrivialAugment(Gray, Subtracting(Gray, [99]), levels: true))
        {
            Stored = Gray,
            Output = Gray,
        },
        ["TrivialAugment, moving only"] = new(None, new TrivialAugment(Shape, Normalization, levels: false)),
        ["TrivialAugment, mean image"] = new(None, new TrivialAugment(Shape, Subtracting(Shape, MeanImage()), levels: true)),
        ["TrivialAugment after a crop with a mean image"] = new(
            new CropAndFlip(Shape, Subtracting(Shape, MeanImage()), flip: true),
            new TrivialAugment(Shape, Subtracting(Shape, MeanImage()), levels: true)) { Range = (-63, 255 + 63) },
        ["erasing"] = new(None, new RandomErasing(Shape, Normalization, probability: 0.5)),

        // The noise is added to black and white too. Its deviation is a tenth of 60: it is never ten times as much.
        ["colour noise"] = new(None, new ColorPca(new PrincipalColors(new(60, 60, 50), new(20, -20, 5), new(1, 1, -2)), deviation: 0.1))
        {
            Range = (-60, 255 + 60),
        },
        ["mixup"] = new(None, mixing: new Mixing(mixup: 0.2, cutMix: 0)),
        ["CutMix"] = new(None, mixing: new Mixing(mixup: 0, cutMix: 1)),
        ["mixup or CutMix"] = new(None, mixing: new Mixing(mixup: 0.2, cutMix: 1)),
        ["everything"] = new(
            new ResizedCropAndFlip(Shape, flip: true),
            new TrivialAugment(Shape, Normalization, levels: true),
            new Mixing(mixup: 0.2, cutMix: 1)) { Stored = Photograph },
    };

    public static TheoryData<string> Names => [.. All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void TheDiceDecideEverythingAndEveryValueIsWrittenWithinTheImagesRange(string name)
    {
        var subject = All[name];
        var images = subject.Images();
        var before = images.Select(image => image.Values.ToArray()).ToArray();
        var seen = new HashSet<string>();
        for (var seed = 0; seed < 50; seed++)
        {
            float[] first = subject.Batch(), second = subject.Batch();
            subject.Apply(images, first, RandomFor(seed));
            subject.Apply(images, second, RandomFor(seed));

            Assert.Equal(first, second);
            // NaN where nothing was written
            Assert.All(first, value => Assert.InRange(value, subject.Range.Lowest - 1e-3, subject.Range.Highest + 1e-3));
            seen.Add(string.Join(',', first));
        }

        Assert.Equal(before, images.Select(image => image.Values.ToArray()));
        Assert.True(subject.Varies ? seen.Count > 25 : seen.Count == 1, $"{seen.Count} different batches of 50");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void BytesAndFloatsGiveTheSame(string name)
    {
        var subject = All[name];
        var bytes = subject.Images();
        var floats = Array.ConvertAll(bytes, image => new StoredImage<float>(
            Array.ConvertAll(image.Values.ToArray(), value => (float)value), image.Height, image.Width, image.Label, image.Weight));
        for (var seed = 0; seed < 20; seed++)
        {
            float[] fromBytes = subject.Batch(), fromFloats = subject.Batch();
            subject.Apply(bytes, fromBytes, RandomFor(seed));
            subject.Apply(floats, fromFloats, RandomFor(seed));

            Assert.Equal(fromBytes, fromFloats);
        }
    }

    // A tensor would show, too: its wrapper is a managed object.
    [Theory]
    [MemberData(nameof(Names))]
    public void NothingIsAllocatedPerImage(string name)
    {
        var subject = All[name];
        var (images, batch) = (subject.Images(), subject.Batch());
        var seed = RandomFor(1);
        for (var i = 0; i < 100; i++)
        {
            subject.Apply(images, batch, seed); // rents arrays, which the pool then has
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 300; i++)
        {
            subject.Apply(images, batch, seed);
        }

        // A garbage collection may empty the pool: a few arrays of a few kilobytes.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }

    [Fact]
    public void WithoutAugmentationAnImageOfAnotherSizeIsRefused()
    {
        var image = new StoredImage<byte>(new byte[3 * 30 * 40], 30, 40, 0, 1);
        var exception = Assert.Throws<ArgumentException>(() => None.Apply(in image, new float[Shape.Size], RandomFor(1)));
        Assert.Contains("30×40 pixels has 3600 values", exception.Message);
    }

    private static Random RandomFor(int number) => new(SeedMixer.Mix(1, number));

    private static Normalization Subtracting(ImageShape shape, ImmutableArray<float> mean) =>
        new(new ImagePreprocessing(shape, mean, [.. Enumerable.Repeat(1f, shape.Channels)]).Validated());

    // From 96 to 159: no two differ by more than 63.
    private static ImmutableArray<float> MeanImage() => [.. Enumerable.Range(0, Shape.Size).Select(i => 96f + i * 37 % 64)];
}
