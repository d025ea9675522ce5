using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>Every error that a user can run into, by its message.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void LabelIsNotAKey()
    {
        var rows = Pictures.Load(_ml, Pictures.Rows(2, 16, 16, 3));
        var named = _ml.Transforms.CopyColumns("Label", "Name").Fit(rows).Transform(rows);

        AssertMessage<ArgumentOutOfRangeException>(
            () => Trainer().Fit(named),
            "Label column 'Label' is String, but a classifier needs a key",
            "Conversion.MapValueToKey(\"Label\")");
        AssertMessage<ArgumentOutOfRangeException>(
            () => Trainer().Fit(rows), "There is no label column 'Label'", "The columns are: Name, Bytes");
    }

    [Fact]
    public void LabelIsAKeyOfUnboundedSize()
    {
        var schema = SchemaDefinition.Create(typeof(UnboundedRow));
        schema["Bytes"].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, 768);
        var view = _ml.Data.LoadFromEnumerable([new UnboundedRow()], schema);

        AssertMessage<ArgumentOutOfRangeException>(() => Trainer().Fit(view), "key of 4294967295 values, more than there can be classes");
    }

    [Fact]
    public void ImageColumnIsMissingOrOfTheWrongType()
    {
        var data = TrainingData.Vectors(_ml, perClass: 2);

        AssertMessage<ArgumentOutOfRangeException>(
            () => Trainer("Image").Fit(data), "There is no image column 'Image'", "Transforms.LoadImages");
        AssertMessage<ArgumentOutOfRangeException>(() => Trainer("Name").Fit(data), "Image column 'Name' is String, but must hold images");
        AssertMessage<ArgumentOutOfRangeException>(
            () => Trainer(shape: new ImageShape(3, 32, 32)).Fit(data), "with 768 values, but an image of 3×32×32 has 3072");
        AssertMessage<ArgumentOutOfRangeException>(
            () => _ml.MulticlassClassification.Trainers.ResNet("Label", "Bytes", TrainingData.Tiny).Fit(data),
            "does not tell the image's shape",
            "InputShape = new ImageShape(channels, height, width)");
    }

    [Fact]
    public void ImagesHaveOneOrThreeChannels()
    {
        Pictures.Write(_folder.Path, perClass: 2, height: 16, width: 16);

        AssertMessage<ArgumentOutOfRangeException>(
            () => Trainer("Image", new ImageShape(4, 16, 16)).Fit(TrainingData.Images(_ml, _folder.Path)),
            "3 channels (colour) or 1 (grayscale)",
            "asks for 4");
    }

    [Fact]
    public void WeightColumnIsMissingOrOfTheWrongTypeOrNegative()
    {
        var rows = Pictures.Rows(2, 16, 16, 3);
        var data = TrainingData.Vectors(_ml, rows);

        AssertMessage<ArgumentOutOfRangeException>(() => Trainer(weight: "Heft").Fit(data), "no example weight column 'Heft'");
        AssertMessage<ArgumentOutOfRangeException>(
            () => Trainer(weight: "Name").Fit(data), "Example weight column 'Name' is String, but must be a float");
        rows[3].Weight = -1;
        AssertMessage<InvalidOperationException>(() => Trainer(weight: "Weight").Fit(data), "'Weight' is -1 in row 3", "0 or more");
    }

    [Fact]
    public void AClassHasNoImages()
    {
        var data = TrainingData.Vectors(_ml, perClass: 4);
        var withoutOne = _ml.Data.FilterRowsByKeyColumnFraction(data, "Label", 0, 0.5);

        AssertMessage<InvalidOperationException>(
            () => Trainer().Fit(withoutOne), "classes of label column 'Label' have no training images: '", "'diagonal'");
    }

    [Fact]
    public void FewerThanTwoClasses() =>
        AssertMessage<InvalidOperationException>(
            () => Trainer().Fit(TrainingData.Vectors(_ml, perClass: 4, classes: 1)), "has one class only", "at least two");

    [Fact]
    public void AnEmptyView()
    {
        var empty = _ml.Data.SkipRows(TrainingData.Vectors(_ml, perClass: 2), 100);

        AssertMessage<InvalidOperationException>(() => Trainer().Fit(empty), "The training data has no rows");
        AssertMessage<InvalidOperationException>(() => Trainer().Fit(TrainingData.Vectors(_ml), empty), "The validation data has no rows");
    }

    [Fact]
    public void ValidationHasOtherClasses()
    {
        var rows = Pictures.Rows(2, 16, 16, 3);
        Array.Reverse(rows);

        AssertMessage<ArgumentOutOfRangeException>(
            () => Trainer().Fit(TrainingData.Vectors(_ml), TrainingData.Vectors(_ml, rows)),
            "has other values, or another order of them",
            "same fitted MapValueToKey");
    }

    [Theory]
    [InlineData("truncated.png", "is truncated: the file ends before the image does")]
    [InlineData("empty.png", "cannot be read")]
    [InlineData("text.jpg", "cannot be read")]
    public void AnImageThatCannotBeReadIsNamedOrSkipped(string name, string message)
    {
        Pictures.Write(_folder.Path, perClass: 5, height: 32, width: 32);
        var whole = File.ReadAllBytes(_folder["lying/000.png"]);
        File.WriteAllBytes(
            _folder[$"standing/{name}"],
            name[0] switch { 't' when name[1] == 'r' => whole[..(whole.Length / 2)], 'e' => [], _ => "not an image"u8.ToArray() });
        var data = TrainingData.Images(_ml, _folder.Path);

        AssertMessage<BadImageException>(() => Trainer("Image").Fit(data), name, message);
        using var model = Trainer("Image", onBadImage: BadImageHandling.Skip).Fit(data);
        Assert.Equal(1, model.History.SkippedImages);
        Assert.Equal(15, model.History.TrainingImages + model.History.ValidationImages);
    }

    // The first ended the process, whatever OnBadImage said; the second took 8 GB; the last two were trained on.
    [Theory]
    [InlineData("fatal.bmp", "it is damaged")]
    [InlineData("huge.png", "it has 30,000 × 30,000 pixels, and ")]
    [InlineData("huge.gif", "it has 47,003 × 40,232 pixels, and ")]
    [InlineData("cut.jpg", "it is truncated: the file ends before the image does")]
    [InlineData("cut.gif", "it is truncated: the file ends before the image does")]
    public void AHostileImageIsNamedOrSkipped(string name, string message)
    {
        Pictures.Write(_folder.Path, perClass: 5, height: 32, width: 32);
        File.WriteAllBytes(_folder[$"standing/{name}"], name switch
        {
            "fatal.bmp" => ImageFiles.FatalBmp,
            "huge.png" => ImageFiles.HugePng(30_000, 30_000),
            "huge.gif" => ImageFiles.HugeGif,
            "cut.jpg" => ImageFiles.CutWithEnd(Jpeg()),
            _ => [.. ImageFiles.Gif[..^5], 1, 0x84, 0, 0x3B],
        });

        AssertNamedOrSkipped(name, message);
    }

    [SkippableFact]
    public void APipeIsNamedOrSkippedBeforeItIsOpened()
    {
        Pictures.Write(_folder.Path, perClass: 5, height: 32, width: 32);
        ImageFiles.MakePipe(_folder["standing/pipe.jpg"]);

        AssertNamedOrSkipped("pipe.jpg", "it is a pipe or a device");
    }

    [Fact]
    public void AnImageWithMorePixelsThanAllowedIsNamedOrSkipped()
    {
        Pictures.Write(_folder.Path, perClass: 5, height: 32, width: 32);
        using (var large = Pictures.ToImage(new byte[33 * 32 * 3], 33, 32))
        {
            large.Save(_folder["standing/large.png"]);
        }

        AssertNamedOrSkipped("large.png", "it has 32 × 33 pixels, and 1,024 in all are allowed", maxPixels: 32 * 32);
    }

    [Fact]
    public void PhotographsStoredTurnedAreToldOfAndTurnedWhereAskedFor()
    {
        Pictures.Write(_folder.Path, perClass: 5, height: 32, width: 32);
        File.WriteAllBytes(_folder["standing/turned.jpg"], ImageFiles.WithOrientation(Jpeg(), 6));
        List<string> warnings = [];
        _ml.Log += (_, message) => warnings.Add(message.Message);

        using var ignoring = Trainer("Image").Fit(TrainingData.Images(_ml, _folder.Path));
        Assert.Single(warnings, warning => warning.Contains("turned.jpg", StringComparison.Ordinal)
            && warning.Contains("Set ApplyExifOrientation", StringComparison.Ordinal));
        warnings.Clear();
        using var applying = Trainer("Image", applyExifOrientation: true).Fit(TrainingData.Images(_ml, _folder.Path));
        File.WriteAllBytes(_folder["standing/turned.jpg"], ImageFiles.WithOrientation(Jpeg(), 1));
        using var upright = Trainer("Image", applyExifOrientation: true).Fit(TrainingData.Images(_ml, _folder.Path));

        Assert.DoesNotContain(warnings, warning => warning.Contains("turned", StringComparison.Ordinal));
        Assert.NotEqual(ignoring.History.Epochs[0].Loss, applying.History.Epochs[0].Loss);
        Assert.Equal(ignoring.History.Epochs[0].Loss, upright.History.Epochs[0].Loss);
    }

    [Fact]
    public void AFileThatIsNotThereIsNamed()
    {
        Pictures.Write(_folder.Path, perClass: 3, height: 16, width: 16);
        var data = TrainingData.Images(_ml, _folder.Path);
        _ = data.GetColumn<string>("ImagePath").Count();
        File.Delete(_folder["standing/001.png"]);

        AssertMessage<BadImageException>(() => Trainer("Image").Fit(data), "001.png");
    }

    [Fact]
    public void AValueIsNotANumber()
    {
        var rows = Pictures.Rows(2, 16, 16, 3);
        rows[2].Floats[5] = float.NaN;

        AssertMessage<InvalidOperationException>(
            () => Trainer("Floats").Fit(TrainingData.Vectors(_ml, rows)),
            "Image column 'Floats' has a value in row 2 that is infinite or not a number");
    }

    [Fact]
    public void ImagesAreSmallerThanTheNetworkNeeds() =>
        AssertMessage<ArgumentOutOfRangeException>(
            () => _ml.MulticlassClassification.Trainers.ResNet(
                new ResNetTrainer.Options { Architecture = ResNetArchitecture.ResNet18, InputShape = new ImageShape(3, 16, 16) }),
            "at least 32×32 pixels", "resnet20");

    public static TheoryData<string, ResNetTrainer.Options> BadOptions => new()
    {
        { "Option Epochs must be at least 1", new() { Epochs = 0 } },
        { "Option BatchSize must be at least 2", new() { BatchSize = 1 } },
        { "Option LearningRate must be a finite number greater than 0", new() { LearningRate = 0 } },
        { "Option LearningRate must be a finite number greater than 0", new() { LearningRate = double.NaN } },
        { "Option ValidationFraction must be at least 0 and less than 1", new() { ValidationFraction = 1 } },
        { "Option ThreadCount must be at least 1, or null", new() { ThreadCount = 0 } },
        {
            "Option Recipe.ColorNoise must be 0 for images of 1 channels",
            new() { InputShape = new ImageShape(1, 64, 64), Recipe = new() { ColorNoise = 0.1 } }
        },
        {
            "Option Recipe.ImageScales must be 1 where images are not augmented",
            new() { InputShape = new ImageShape(3, 64, 64), Recipe = new() { ImageScales = [0.5], Augmentation = ImageAugmentation.None } }
        },
        { "LearningRateDrops of the training recipe must be ascending", new() { Recipe = new() { LearningRateDrops = [0.75, 0.5] } } },
        { "Option CheckpointFolder must be given where Resume is Required", new() { Resume = Resume.Required } },
        { "Option CheckpointInterval must be longer than 0", new() { CheckpointInterval = TimeSpan.Zero } },
        { "Option CheckpointsToKeep must be at least 1", new() { CheckpointsToKeep = 0 } },
        { "Option MaxDuration must be longer than 0, or null", new() { MaxDuration = TimeSpan.Zero } },
        { "Option OnBadImage must be one of the values of BadImageHandling", new() { OnBadImage = (BadImageHandling)99 } },
        { "Option MaxImagePixels must be 1 to 536,870,911, or null", new() { MaxImagePixels = 0 } },
        { "Option MaxImagePixels must be 1 to 536,870,911, or null", new() { MaxImagePixels = 536_870_912 } },
        { "Option CacheBytes must be 0 or more, or null", new() { CacheBytes = -1 } },
        { "Option Precision must be one of the values of TrainingPrecision", new() { Precision = (TrainingPrecision)99 } },
        { "Option PixelStandardDeviation must be given together with PixelMean", new() { PixelMean = [1, 2, 3] } },
        {
            "Option PixelStandardDeviation must be finite and greater than 0",
            new() { PixelMean = [1, 2, 3], PixelStandardDeviation = [1, 0, 1] }
        },
        {
            "Option PixelMean must be one value for each of the image's 3 channels",
            new() { InputShape = new ImageShape(3, 64, 64), PixelMean = [1], PixelStandardDeviation = [1] }
        },
    };

    [Theory]
    [MemberData(nameof(BadOptions), DisableDiscoveryEnumeration = true)]
    public void AnOptionOutOfRangeIsNamedWithItsRangeAtConstruction(string message, ResNetTrainer.Options options) =>
        AssertMessage<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Trainers.ResNet(options), message);

    private ResNetTrainer Trainer(string image = nameof(PixelRow.Bytes), ImageShape? shape = null, string? weight = null,
        BadImageHandling onBadImage = BadImageHandling.Fail, long? maxPixels = null, bool applyExifOrientation = false) =>
        _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = shape ?? TrainingData.Shape,
            ImageColumnName = image,
            ExampleWeightColumnName = weight,
            OnBadImage = onBadImage,
            MaxImagePixels = maxPixels,
            ApplyExifOrientation = applyExifOrientation,
            Seed = 1,
            ThreadCount = 1,
            Precision = TrainingPrecision.Float32,
            Epochs = 1,
            BatchSize = 16,
        });

    private void AssertNamedOrSkipped(string name, string message, long? maxPixels = null)
    {
        var data = TrainingData.Images(_ml, _folder.Path);

        AssertMessage<BadImageException>(() => Trainer("Image", maxPixels: maxPixels).Fit(data), name, message);
        using var model = Trainer("Image", onBadImage: BadImageHandling.Skip, maxPixels: maxPixels).Fit(data);
        Assert.Equal(1, model.History.SkippedImages);
        Assert.Equal(15, model.History.TrainingImages + model.History.ValidationImages);
    }

    private static byte[] Jpeg()
    {
        using var bitmap = new SKBitmap(48, 32);
        bitmap.Erase(SKColors.Teal);
        for (var x = 0; x < 48; x++)
        {
            bitmap.SetPixel(x, x * 2 / 3, SKColors.Gold);
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 95);
        return data.ToArray();
    }

    private static void AssertMessage<TException>(Action action, params string[] parts)
        where TException : Exception
    {
        var exception = Assert.Throws<TException>(action);
        Assert.All(parts, part => Assert.Contains(part, exception.Message));
    }

    private sealed class UnboundedRow
    {
        [KeyType(count: uint.MaxValue)]
        public uint Label { get; set; } = 1;

        public byte[] Bytes { get; set; } = new byte[768];
    }
}
