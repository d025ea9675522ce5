using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class Cifar10TrainingTests : IDisposable
{
    private const int PerFile = 20;

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OnePipelineTakesTheBinaryDataAndFoldersOfTheSameImages()
    {
        WriteBinary();
        WriteImages();
        var (binary, images) = (_ml.Data.LoadCifar10(_folder["binary"]), _ml.Data.LoadCifar10(_folder["images"]));
        const Transforms.ValueToKeyMappingEstimator.KeyOrdinality byValue = Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue;
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: byValue)
            .Append(_ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = TrainingData.Tiny,
                Epochs = 1,
                BatchSize = 32,
                Seed = 5,
                Precision = TrainingPrecision.Float32,
                ThreadCount = 1,
            }));

        var model = pipeline.Fit(binary.Train);
        var fromBinary = ScoresByImage(model, binary.Test);
        var fromImages = ScoresByImage(model, images.Test);

        Assert.Equal(PerFile, fromBinary.Count);
        Assert.Equal(fromBinary.Keys.Order(), fromImages.Keys.Order());
        Assert.All(fromBinary, scores => Assert.Equal(scores.Value, fromImages[scores.Key]));
        Assert.Equal(fromBinary.Count, fromBinary.Values.DistinctBy(scores => string.Join(' ', scores)).Count()); // it looks at the pixels
        pipeline.Fit(images.Train);
    }

    private Dictionary<string, float[]> ScoresByImage(ITransformer model, IDataView data)
    {
        var scored = _ml.Transforms.ExtractPixels("Pixels", "Image", outputAsFloatArray: false).Fit(data).Transform(data);
        var images = scored.GetColumn<byte[]>("Pixels").Select(Convert.ToBase64String);
        return images.Zip(model.Transform(data).GetColumn<float[]>("Score")).ToDictionary();
    }

    private void WriteBinary()
    {
        Directory.CreateDirectory(_folder["binary"]);
        string[] files =
        [
            "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
        ];
        for (var file = 0; file < files.Length; file++)
        {
            var records = Enumerable.Range(file * PerFile, PerFile)
                .SelectMany(i => (byte[])[(byte)(i % 10), .. Pictures.ToPlanar(Picture(i), 3)]);
            File.WriteAllBytes(_folder[$"binary/{files[file]}"], [.. records]);
        }
    }

    private void WriteImages()
    {
        for (var i = 0; i < 6 * PerFile; i++)
        {
            var set = i < 5 * PerFile ? "train" : "test";
            var folder = Directory.CreateDirectory(_folder[$"images/{set}/{Cifar10.ClassNames[i % 10]}"]).FullName;
            using var image = Pictures.ToImage(Picture(i), 32, 32);
            image.Save(Path.Combine(folder, $"{i:d4}.png"));
        }
    }

    private static byte[] Picture(int seed) => Pictures.Draw(seed % 3, 32, 32, 3, new Random(seed));
}
