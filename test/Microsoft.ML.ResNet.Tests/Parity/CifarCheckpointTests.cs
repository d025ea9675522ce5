using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.Transforms.ValueToKeyMappingEstimator;

namespace Microsoft.ML.ResNet.Tests.Parity;

/// <summary>
/// Published CIFAR-10 checkpoints, in every format, through a whole ML.NET pipeline, against golden logits and accuracies.
/// </summary>
/// <remarks>
/// All 10,000 images are scored once for the same tensors, bit for bit, whatever file they come from; each file's own pipeline scores the
/// images that there are golden logits of, and must give the same bits for them.
/// </remarks>
public sealed class CifarCheckpointTests(CifarCheckpointTests.TestImages images) : IClassFixture<CifarCheckpointTests.TestImages>
{
    private const int ImagesPerClass = 1000;
    private const int GoldenPerClass = 5;

    private static readonly Dictionary<string, Scored> ByTensors = [];

    private readonly MLContext _ml = new(seed: 1);

    [SkippableTheory]
    [InlineData("resnet20-12fca82f.th", "resnet20", "resnet20-12fca82f.th")]
    [InlineData("resnet20-12fca82f.pth", "resnet20", "resnet20-12fca82f.th")]
    [InlineData("resnet20-12fca82f.safetensors", "resnet20", "resnet20-12fca82f.th")]
    [InlineData("resnet56-4bfd9763.th", "resnet56", "resnet56-4bfd9763.th")]
    public void ScoresWhatItScoredInPyTorch(string file, string network, string golden)
    {
        var architecture = ResNetArchitecture.Parse(network);
        var weights = ResNetWeights.Load(Repository.Shared($"weights/{file}"));
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Repository.Shared("reference/cifar10_checkpoints.json")));
        var expected = reference.RootElement.GetProperty("checkpoints").GetProperty(golden);
        var classes = reference.RootElement.GetProperty("classes").EnumerateArray().Select(name => name.GetString()!).ToArray();
        var files = _ml.Data.LoadImageFolder(images.Folder);

        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: KeyOrdinality.ByValue)
            .Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(_ml.Transforms.ApplyResNet(weights, architecture, classes, preprocessing: ImagePreprocessing.Cifar10));
        using var model = pipeline.Fit(files);
        var digest = Digest(weights.For(LayerPlan.Create(architecture, new ImageShape(3, 32, 32), classes.Length)));
        if (!ByTensors.TryGetValue(digest, out var all))
        {
            ByTensors.Add(digest, all = Score(model.Transform(files)));
        }

        Assert.Equal(expected.GetProperty("top1_accuracy").GetDouble(), all.Accuracy, tolerance: 0.001);
        Assert.Equal(expected.GetProperty("cross_entropy").GetDouble(), all.LogLoss, tolerance: 0.01);

        // The golden logits are of the first files of each class; probabilities tell logits but for a constant.
        var first = _ml.Data.CreateEnumerable<ImageFolderRow>(files, reuseRowObject: false)
            .Chunk(ImagesPerClass)
            .SelectMany(ofClass => ofClass.Take(GoldenPerClass));
        var scores = model.Transform(_ml.Data.LoadFromEnumerable(first)).GetColumn<float[]>("Score").ToArray();
        Assert.Equal(all.Golden, scores);
        foreach (var (logits, score) in expected.GetProperty("logits").EnumerateArray().Zip(scores))
        {
            var golds = logits.EnumerateArray().Select(logit => logit.GetDouble()).ToArray();
            var top = Array.IndexOf(golds, golds.Max());
            for (var i = 0; i < golds.Length; i++)
            {
                // Below, a float32 probability has lost the digits that the logit had.
                if (score[i] > 1e-30)
                {
                    Assert.Equal(golds[i] - golds[top], Math.Log(score[i]) - Math.Log(score[top]), tolerance: 1e-2);
                }
            }
        }
    }

    private Scored Score(IDataView scored)
    {
        var cached = _ml.Data.Cache(scored, "Label", "PredictedLabel", "Score"); // read once, looked at twice
        var metrics = _ml.MulticlassClassification.Evaluate(cached);
        return new Scored(
            metrics.MicroAccuracy,
            metrics.LogLoss,
            [.. cached.GetColumn<float[]>("Score").Chunk(ImagesPerClass).SelectMany(ofClass => ofClass.Take(GoldenPerClass))]);
    }

    // Of names and values, in the order of the network.
    private static string Digest(ResNetWeights weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in weights.Tensors)
        {
            hash.AppendData(MemoryMarshal.AsBytes<char>(tensor.Name));
            hash.AppendData(MemoryMarshal.AsBytes(tensor.Values.Span));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private sealed record Scored(double Accuracy, double LogLoss, float[][] Golden);

    /// <summary>The test images as files, a folder for each class.</summary>
    public sealed class TestImages : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private bool _extracted;

        internal string Folder
        {
            get
            {
                if (!_extracted)
                {
                    ZipFile.ExtractToDirectory(Repository.Shared("data/cifar10-jpeg-test.zip"), _folder.Path);
                    _extracted = true;
                }

                return _folder.Path;
            }
        }

        public void Dispose() => _folder.Dispose();
    }
}
