using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

/// <summary>What each augmentation does to a drawn scene, as people saw it and found it right: see <see cref="ContactSheet"/>.</summary>
public sealed class GoldenPictureTests
{
    private const int Side = 64;

    private static readonly ImageShape Shape = new(3, Side, Side);
    private static readonly ImmutableArray<float> Mean = [124, 116, 104];
    private static readonly Normalization Normalization = new(new ImagePreprocessing(Shape, Mean, [1, 1, 1]));

    private static readonly StoredImage<byte> Stored = new(Scene.Draw(Side, Side), Side, Side, 0, 1);
    private static readonly StoredImage<byte> Photograph = new(Scene.Draw(120, 160), 120, 160, 0, 1);

    [Fact]
    public void CropAndFlipLooksAsBefore() => AssertGolden("crop-and-flip", new CropAndFlip(Shape, Normalization, flip: true), Stored);

    [Fact]
    public void ResizedCropAndFlipLooksAsBefore() =>
        AssertGolden("resized-crop-and-flip", new ResizedCropAndFlip(Shape, flip: true), Photograph);

    [Fact]
    public void ScaleJitterLooksAsBefore() => AssertGolden("scale-jitter", new ScaleJitterCropAndFlip(Shape, flip: true), Photograph);

    [Fact]
    public void RandomErasingLooksAsBefore() =>
        AssertGolden("random-erasing", new NoAugmentation(), Stored, new RandomErasing(Shape, Normalization, probability: 1));

    // Ten times the papers' deviation, to be seen.
    [Fact]
    public void ColorPcaLooksAsBefore() =>
        AssertGolden("color-pca", new NoAugmentation(), Stored, new ColorPca(PrincipalColors.Measure<byte>([Stored]), deviation: 1));

    // A row for each operation: full strength the one way, a third and full strength the other way.
    [Fact]
    public void TrivialAugmentLooksAsBefore()
    {
        var augment = new TrivialAugment(Shape, Normalization, levels: true);
        var sheet = new ContactSheet(Side, columns: 3);
        foreach (var operation in Enum.GetValues<TrivialOperation>())
        {
            foreach (var (strength, negative) in new[] { (30, true), (10, false), (30, false) })
            {
                var picture = Array.ConvertAll(Stored.Values.ToArray(), value => (float)value);
                augment.Apply(picture, operation, strength, negative);
                sheet.Add(picture);
            }
        }

        sheet.AssertIsGolden("trivial-augment");
    }

    [Fact]
    public void MixupLooksAsBefore() => AssertGolden("mixup", new Mixing(mixup: 1, cutMix: 0));

    [Fact]
    public void CutMixLooksAsBefore() => AssertGolden("cutmix", new Mixing(mixup: 0, cutMix: 1));

    private static void AssertGolden(string name, IAugmentation augmentation, StoredImage<byte> image, IDistortion? distortion = null)
    {
        var sheet = new ContactSheet(Side, columns: 4);
        for (var seed = 0; seed < 12; seed++)
        {
            var (picture, random) = (new float[Shape.Size], RandomFor(seed));
            augmentation.Apply(in image, picture, random);
            distortion?.Apply(picture, random);
            sheet.Add(picture);
        }

        sheet.AssertIsGolden(name);
    }

    // A row for each batch, of three images.
    private static void AssertGolden(string name, Mixing mixing)
    {
        var sheet = new ContactSheet(Side, columns: 3);
        for (var seed = 0; seed < 4; seed++)
        {
            float[] batch = [.. "RFG".SelectMany(letter => Scene.Draw(Side, Side, letter)).Select(value => (float)value)];
            mixing.Apply(batch, count: 3, Shape, RandomFor(seed));
            foreach (var picture in batch.Chunk(Shape.Size))
            {
                sheet.Add(picture);
            }
        }

        sheet.AssertIsGolden(name);
    }

    // As the loader makes them: neighbouring seeds alone would throw alike.
    private static Random RandomFor(int image) => new(SeedMixer.Mix(1, image));
}
