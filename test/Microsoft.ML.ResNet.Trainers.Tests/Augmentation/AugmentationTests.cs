using System.Collections.Immutable;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

/// <summary>What every augmentation must do, and what each one does.</summary>
public sealed class AugmentationTests
{
    private static readonly ImageShape Shape = new(3, 16, 16);
    private static readonly ImmutableArray<float> Mean = [10, 20, 30];

    private static readonly Dictionary<string, IAugmentation> All = new()
    {
        ["none"] = new NoAugmentation(),
        ["crop"] = new CropAndFlip(Shape, new Normalization(new ImagePreprocessing(Shape, Mean, [1, 1, 1])), flip: true),
        ["resized crop"] = new ResizedCropAndFlip(Shape, flip: true),
    };

    public static TheoryData<string> Names => [.. All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void TheDiceDecideEverythingAndEveryValueIsWrittenWithinTheImagesRange(string name)
    {
        var image = Image(seed: 1);
        var before = (byte[])image.Pixels.Clone();
        var seen = new HashSet<string>();
        for (var seed = 0; seed < 50; seed++)
        {
            float[] first = Apply(All[name], image, seed), second = Apply(All[name], image, seed);
            Assert.Equal(first, second);
            Assert.All(first, value => Assert.InRange(value, 0, 255)); // NaN where nothing was written
            seen.Add(string.Join(',', first));
        }

        Assert.Equal(before, image.Pixels);
        Assert.True(name == "none" ? seen.Count == 1 : seen.Count > 25, $"{seen.Count} different images of 50");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void BytesAndFloatsGiveTheSame(string name)
    {
        var bytes = Image(seed: 1);
        var floats = new StoredImage<float>(Array.ConvertAll(bytes.Pixels, value => (float)value), bytes.Height, bytes.Width, 0, 1);

        Assert.Equal(Apply(All[name], bytes, seed: 3), Apply(All[name], floats, seed: 3));
    }

    [Fact]
    public void CropAndFlipShiftsByAtMostAnEighthAndPadsWithTheMean()
    {
        // A picture whose pixels say where they are: channel 0 the row, channel 1 the column, channel 2 always 255.
        var image = new StoredImage<byte>([.. Enumerable.Range(0, 256).SelectMany(i => (byte[])[(byte)(100 + i / 16), (byte)(100 + i % 16), 255])], 16, 16, 0, 1);
        var (shifts, flips) = (new HashSet<(int, int)>(), 0);
        for (var seed = 0; seed < 500; seed++)
        {
            var output = Apply(All["crop"], image, seed);
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
        var image = new StoredImage<byte>([.. Enumerable.Range(0, 256).SelectMany(i => (byte[])[0, (byte)(i % 16 * 10), 0])], 16, 16, 0, 1);

        foreach (var augmentation in (IAugmentation[])[new CropAndFlip(Shape, new Normalization(new ImagePreprocessing(Shape, Mean, [1, 1, 1])), flip: false), new ResizedCropAndFlip(Shape, flip: false)])
        {
            for (var seed = 0; seed < 50; seed++)
            {
                var output = Apply(augmentation, image, seed);
                Assert.True(output[(8 * 16 + 4) * 3 + 1] < output[(8 * 16 + 11) * 3 + 1]);
            }
        }
    }

    [Theory]
    [InlineData(300, 500)]
    [InlineData(500, 300)]
    [InlineData(2000, 20)]
    [InlineData(1, 1)]
    public void ResizedCropStaysInsideTheImage(int height, int width)
    {
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            var crop = ResizedCropAndFlip.Draw(height, width, random);
            Assert.True(crop.Left >= 0 && crop.Top >= 0 && crop.Left + crop.Width <= width + 1e-9 && crop.Top + crop.Height <= height + 1e-9);
            Assert.InRange(crop.Width / crop.Height, 0.749, 1.334);
        }
    }

    private static StoredImage<byte> Image(int seed) => new(Pictures.Draw(2, 16, 16, 3, new Random(seed)), 16, 16, 0, 1);

    private static float[] Apply<T>(IAugmentation augmentation, StoredImage<T> image, int seed)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        var output = new float[Shape.Size];
        Array.Fill(output, float.NaN);
        augmentation.Apply(in image, output, new Random(seed));
        return output;
    }
}
