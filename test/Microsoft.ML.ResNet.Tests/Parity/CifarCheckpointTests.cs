using System.IO.Compression;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Parity;

/// <summary>Published CIFAR-10 checkpoints, in every format, through a whole ML.NET pipeline, against golden logits and accuracies.</summary>
public sealed class CifarCheckpointTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("resnet20-12fca82f.th", "resnet20", "resnet20-12fca82f.th")]
    [InlineData("resnet20-12fca82f.pth", "resnet20", "resnet20-12fca82f.th")]
    [InlineData("resnet20-12fca82f.safetensors", "resnet20", "resnet20-12fca82f.th")]
    [InlineData("resnet56-4bfd9763.th", "resnet56", "resnet56-4bfd9763.th")]
    public void ScoresWhatItScoredInPyTorch(string file, string network, string golden)
    {
        var weights = ResNetWeights.Load(Repository.Shared($"weights/{file}"));
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Repository.Shared("reference/cifar10_checkpoints.json")));
        var expected = reference.RootElement.GetProperty("checkpoints").GetProperty(golden);
        var classes = reference.RootElement.GetProperty("classes").EnumerateArray().Select(name => name.GetString()!).ToArray();
        ZipFile.ExtractToDirectory(Repository.Shared("data/cifar10-jpeg-test.zip"), _folder.Path);
        var files = _ml.Data.LoadImageFolder(_folder.Path);

        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
            .Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(_ml.Transforms.ApplyResNet(weights, ResNetArchitecture.Parse(network), classes, preprocessing: ImagePreprocessing.Cifar10));
        using var model = pipeline.Fit(files);
        var scored = _ml.Data.Cache(model.Transform(files), "Label", "PredictedLabel", "Score"); // read and scored once, looked at twice

        var metrics = _ml.MulticlassClassification.Evaluate(scored);
        Assert.Equal(expected.GetProperty("top1_accuracy").GetDouble(), metrics.MicroAccuracy, tolerance: 0.001);
        Assert.Equal(expected.GetProperty("cross_entropy").GetDouble(), metrics.LogLoss, tolerance: 0.01);

        // The golden logits are of the first 5 files of each class; probabilities tell logits but for a constant.
        var scores = scored.GetColumn<float[]>("Score").Chunk(1000).SelectMany(ofClass => ofClass.Take(5)).ToArray();
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
}
