using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

/// <summary>Where images are kept changes no result.</summary>
public sealed class CacheTests : IDisposable
{
    private const long NoRoom = long.MaxValue / 2;

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ImageAugmentation.ResizedCropAndFlip, TrainableLayers.All)]
    [InlineData(ImageAugmentation.CropAndFlip, TrainableLayers.All)]
    [InlineData(ImageAugmentation.None, TrainableLayers.Head)]
    public void MemoryFileAndDecodingAnewGiveTheSameWeights(ImageAugmentation augmentation, TrainableLayers layers)
    {
        Pictures.Write(_folder["images"], perClass: 12, height: 48, width: 40);
        var data = TrainingData.Images(_ml, _folder["images"]);
        var options = (long cacheBytes, long reserve) =>
            Options(cacheBytes, reserve, new TrainingRecipe { Augmentation = augmentation }, layers);

        var inMemory = Weights(data, options(long.MaxValue, NoRoom));

        Assert.Equal(inMemory, Weights(data, options(0, 0)));
        Assert.Equal(inMemory, Weights(data, options(20_000, 0))); // some here, some there
        if (layers == TrainableLayers.All)
        {
            Assert.Equal(inMemory, Weights(data, options(0, NoRoom)));
            Assert.Equal(inMemory, Weights(data, options(20_000, NoRoom)));
        }
    }

    [Fact]
    public void VectorsThatFitNowhereAreRefusedBeforeTheyAreRead()
    {
        var data = TrainingData.Vectors(_ml);
        var options = Options(1000, NoRoom, TrainingRecipe.Modern, TrainableLayers.All, nameof(PixelRow.Floats));

        var message =
            Assert.Throws<InvalidOperationException>(() => _ml.MulticlassClassification.Trainers.ResNet(options).Fit(data)).Message;

        Assert.Contains("Image column 'Floats', 73728 bytes, must be kept, but CacheBytes allows 1000 bytes", message);
    }

    private string Weights(IDataView data, ResNetTrainer.Options options)
    {
        using var model = _ml.MulticlassClassification.Trainers.ResNet(options).Fit(data);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in model.Weights.Tensors)
        {
            hash.AppendData(MemoryMarshal.AsBytes(tensor.Values.Span));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static ResNetTrainer.Options Options(long cacheBytes, long reserve, TrainingRecipe recipe, TrainableLayers layers,
        string image = "Image") => new()
    {
        Architecture = TrainingData.Tiny,
        InputShape = TrainingData.Shape,
        ImageColumnName = image,
        Recipe = recipe,
        TrainableLayers = layers,
        Epochs = 2,
        BatchSize = 8,
        Seed = 5,
        Precision = TrainingPrecision.Float32,
        ThreadCount = 1,
        CacheBytes = cacheBytes,
        DiskReserve = reserve,
    };
}
