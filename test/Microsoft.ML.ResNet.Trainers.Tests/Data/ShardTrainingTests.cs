using System.Formats.Tar;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

/// <summary>Shards are trained on, evaluated and scored as folders are.</summary>
public sealed class ShardTrainingTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public ShardTrainingTests() => Pictures.Write(_folder["images"], perClass: 8, height: 16, width: 16);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ShardsTrainTheNetworkThatTheirFolderTrains()
    {
        var files = _ml.Data.LoadImageFolder(_folder["images"]);
        var load = _ml.Transforms.Conversion.MapValueToKey("Label").Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"));
        using var fromFolder = Trainer().Fit(load.Fit(files).Transform(files));
        var names = Pictures.ClassNames.Order(StringComparer.Ordinal).ToArray();
        var shards = _ml.Data.LoadImageShards(WriteShards(), new ImageShardOptions { ClassNames = [.. names] });

        using var fromShards = Trainer().Fit(shards);

        Assert.Equal(names, fromShards.ClassNames.ToArray());
        var expected = fromFolder.Weights.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Values.ToArray());
        Assert.All(fromShards.Weights.Tensors, tensor => Assert.Equal(expected[tensor.Name], tensor.Values.ToArray()));

        var scored = fromShards.Transform(shards);
        Assert.Equal(
            fromFolder.Transform(load.Fit(files).Transform(files)).GetColumn<float[]>("Score"), scored.GetColumn<float[]>("Score"));
        Assert.InRange(_ml.MulticlassClassification.Evaluate(scored).MicroAccuracy, 0, 1);
    }

    [Fact]
    public void AnImageThatCannotBeDecodedIsNamedOrLeftOutByTheTrainer()
    {
        var pattern = WriteShards(damaged: 5);
        var shards = _ml.Data.LoadImageShards(pattern);
        var labeled = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(shards).Transform(shards);

        var exception = Assert.Throws<BadImageException>(() => Trainer().Fit(labeled));
        Assert.Contains("shard-0.tar/0005.png' cannot be read", exception.Message);
        using var model = Trainer(BadImageHandling.Skip).Fit(labeled);
        Assert.Equal(1, model.History.SkippedImages);
        Assert.Equal(23, model.History.TrainingImages + model.History.ValidationImages);
    }

    private ResNetTrainer Trainer(BadImageHandling onBadImage = BadImageHandling.Fail) =>
        _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            Epochs = 1,
            BatchSize = 8,
            Seed = 1,
            ThreadCount = 1,
            Precision = TrainingPrecision.Float32,
            OnBadImage = onBadImage,
        });

    // Two, in the order of the folder.
    private string WriteShards(int? damaged = null)
    {
        var rows = _ml.Data.CreateEnumerable<ImageFolderRow>(_ml.Data.LoadImageFolder(_folder["images"]), reuseRowObject: false).ToArray();
        foreach (var (shard, chunk) in rows.Index().Chunk(12).Index())
        {
            using var tar = new TarWriter(File.Create(_folder[$"shard-{shard}.tar"]), TarEntryFormat.Ustar);
            foreach (var (number, row) in chunk)
            {
                var image = File.ReadAllBytes(row.ImagePath);
                Add(tar, $"{number:d4}.png", number == damaged ? image[..(image.Length / 2)] : image);
                Add(tar, $"{number:d4}.cls", Encoding.UTF8.GetBytes(row.Label));
            }
        }

        return _folder["shard-{0..1}.tar"];
    }

    private static void Add(TarWriter tar, string name, byte[] content) =>
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
}
