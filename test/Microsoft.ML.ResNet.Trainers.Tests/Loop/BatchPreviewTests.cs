using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class BatchPreviewTests : IDisposable
{
    private const int Tile = 6 * 16 + 4; // 16 pixels six times as large, and a gap

    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new(1);

    [Fact]
    public void WithoutAugmentationThePicturesAreTheImagesThemselves()
    {
        var rows = Pictures.Rows(perClass: 3, height: 16, width: 16, channels: 3);

        Trainer(TrainingRecipe.Modern with { Augmentation = ImageAugmentation.None }, nameof(PixelRow.Bytes))
            .WritePreview(_folder["batch.png"], TrainingData.Vectors(_ml, rows));

        using var sheet = MLImage.CreateFromFile(_folder["batch.png"]);
        Assert.Equal((4 + 3 * Tile, 4 + 3 * Tile), (sheet.Width, sheet.Height)); // nine images
        var wanted = rows.Select(row => Convert.ToHexString(row.Bytes)).ToHashSet();
        var shown = Enumerable.Range(0, 9).Select(place =>
            Convert.ToHexString(Planar(sheet, 4 + place % 3 * Tile, 4 + place / 3 * Tile))).ToArray();
        Assert.Equal(9, shown.Distinct().Count());
        Assert.All(shown, picture => Assert.Contains(picture, wanted));
    }

    [Fact]
    public void AugmentedPicturesAreOthersAndTheSeedDecides()
    {
        var data = TrainingData.Vectors(_ml, Pictures.Rows(perClass: 5, height: 16, width: 16, channels: 3));
        var plain = TrainingRecipe.Modern with { Augmentation = ImageAugmentation.None };
        var mixed = TrainingRecipe.Modern with { Mixup = 1, RandomErasing = 1 };

        byte[] Preview(TrainingRecipe recipe, string column = nameof(PixelRow.Bytes))
        {
            Trainer(recipe, column).WritePreview(_folder["batch.png"], data);
            return File.ReadAllBytes(_folder["batch.png"]);
        }

        Assert.Equal(Preview(mixed), Preview(mixed));
        Assert.NotEqual(Preview(plain), Preview(mixed));
        Assert.NotEmpty(Preview(mixed, nameof(PixelRow.Floats)));
    }

    [Fact]
    public void APictureThatCannotBeWrittenFailsBeforeImagesAreRead()
    {
        var data = TrainingData.Vectors(_ml, Pictures.Rows(perClass: 5, height: 16, width: 16, channels: 3));

        var exception = Assert.Throws<DirectoryNotFoundException>(
            () => Trainer(TrainingRecipe.Modern, nameof(PixelRow.Bytes)).WritePreview(_folder["missing/batch.png"], data));

        Assert.Contains("there is no folder", exception.Message);
    }

    public void Dispose() => _folder.Dispose();

    private ResNetTrainer Trainer(TrainingRecipe recipe, string column) =>
        _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = TrainingData.Tiny,
        ImageColumnName = column,
        InputShape = TrainingData.Shape,
        Recipe = recipe with { BatchSize = 9 },
        ValidationFraction = 0,
        Seed = 3,
    });

    // The middle of each enlarged pixel.
    private static byte[] Planar(MLImage sheet, int left, int top)
    {
        var bgra = sheet.Pixels;
        var rgba = sheet.PixelFormat == MLPixelFormat.Rgba32;
        var planar = new byte[3 * 16 * 16];
        for (var i = 0; i < 16 * 16; i++)
        {
            var source = 4 * ((top + i / 16 * 6 + 3) * sheet.Width + left + i % 16 * 6 + 3);
            for (var color = 0; color < 3; color++)
            {
                planar[color * 256 + i] = bgra[source + (rgba ? color : 2 - color)];
            }
        }

        return planar;
    }
}
