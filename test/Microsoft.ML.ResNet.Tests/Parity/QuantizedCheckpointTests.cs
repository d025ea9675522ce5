using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.Transforms.ValueToKeyMappingEstimator;

namespace Microsoft.ML.ResNet.Tests.Parity;

/// <summary>Published CIFAR-10 checkpoints in 8-bit integers, against themselves in floats.</summary>
public sealed class QuantizedCheckpointTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("resnet20-12fca82f.th", "resnet20")]
    [InlineData("resnet56-4bfd9763.th", "resnet56")]
    public void LosesLessThanHalfAPoint(string file, string network)
    {
        var weights = ResNetWeights.Load(Repository.Shared($"weights/{file}"));
        using (var archive = ZipFile.OpenRead(Repository.Shared("data/cifar10-jpeg-test.zip")))
        {
            // Every 50th image is to calibrate with, every second for the test: half a point of these 5,000 is 25 images.
            foreach (var (index, entry) in archive.Entries.Where(entry => entry.Name.EndsWith(".jpg", StringComparison.Ordinal)).Index()
                .Where(each => each.Index % 50 == 1 || each.Index % 2 == 0))
            {
                var path = _folder[$"{(index % 2 == 0 ? "test" : "calibration")}/{entry.FullName}"];
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                entry.ExtractToFile(path);
            }
        }

        var (test, calibration) = (_ml.Data.LoadImageFolder(_folder["test"]), _ml.Data.LoadImageFolder(_folder["calibration"]));
        var load = _ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: KeyOrdinality.ByValue))
            .Fit(test);
        var data = load.Transform(test);
        using var classifier = _ml.Transforms.ApplyResNet(
            weights, ResNetArchitecture.Parse(network), Cifar10.ClassNames, preprocessing: ImagePreprocessing.Cifar10)
            .Fit(data);
        using var quantized = classifier.Quantize(load.Transform(calibration));

        var (floats, integers) = (Accuracy(classifier, data), Accuracy(quantized, data));

        Assert.InRange(integers, floats - 0.005, 1);
    }

    private static double Accuracy(ResNetClassificationTransformer classifier, IDataView data) =>
        classifier.Transform(data).GetColumn<uint>("PredictedLabel").Zip(data.GetColumn<uint>("Label")).Average(
            row => row.First == row.Second ? 1.0 : 0);
}
