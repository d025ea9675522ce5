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
            // Every 5th image is for the test, and some of the others to calibrate with.
            foreach (var (entry, index) in archive.Entries.Where(entry => entry.Name.EndsWith(".jpg", StringComparison.Ordinal)).Select((entry, index) => (entry, index)))
            {
                if (index % 5 == 0 || index % 50 == 1)
                {
                    var path = _folder[$"{(index % 5 == 0 ? "test" : "calibration")}/{entry.FullName}"];
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    entry.ExtractToFile(path);
                }
            }
        }

        var (test, calibration) = (_ml.Data.LoadImageFolder(_folder["test"]), _ml.Data.LoadImageFolder(_folder["calibration"]));
        var load = _ml.Transforms.LoadImages("Image", null, "ImagePath").Append(_ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: KeyOrdinality.ByValue)).Fit(test);
        var data = load.Transform(test);
        using var classifier = _ml.Transforms.ApplyResNet(weights, ResNetArchitecture.Parse(network), Cifar10.ClassNames, preprocessing: ImagePreprocessing.Cifar10).Fit(data);
        using var quantized = classifier.Quantize(load.Transform(calibration));

        bool[] floats = [.. Right(classifier, data)], integers = [.. Right(quantized, data)];
        var lost = floats.Zip(integers).Count(pair => pair is (true, false));
        var won = floats.Zip(integers).Count(pair => pair is (false, true));

        // Of 2,000 images some 60 change sides, so that the difference has a standard error of 0.4 points: two of them must be left. On all 10,000, ResNet-20 loses nothing and ResNet-56 0.2 to 0.4.
        var (loss, error) = ((double)(lost - won) / floats.Length, Math.Sqrt(lost + won) / floats.Length);
        Assert.InRange(loss - 2 * error, -1, 0.005);
        Assert.InRange(floats.Count(right => right), 0.78 * floats.Length, floats.Length);
    }

    private static IEnumerable<bool> Right(ResNetClassificationTransformer classifier, IDataView data) =>
        classifier.Transform(data).GetColumn<uint>("PredictedLabel").Zip(data.GetColumn<uint>("Label"), (predicted, label) => predicted == label);
}
