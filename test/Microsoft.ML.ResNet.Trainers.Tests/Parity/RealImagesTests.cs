using System.IO.Compression;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Parity;

/// <summary>Learning on real photographs.</summary>
public sealed class RealImagesTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void ResNet20LearnsCifar10()
    {
        Extract("data/cifar10-jpeg-train.zip", _folder["train"], perClass: 500);
        Extract("data/cifar10-jpeg-test.zip", _folder["test"], perClass: 200);

        // Muon learns in two epochs what SGD learns in five: 48 % here.
        var accuracy = TrainAndEvaluate(_folder["train"], _folder["test"], new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            Recipe = TrainingRecipe.Modern with { Optimizer = OptimizerKind.Muon, LearningRate = 0.05 },
            Epochs = 2,
            BatchSize = 64,
        });

        Assert.True(accuracy > 0.40, $"accuracy {accuracy}");
    }

    [SkippableFact]
    public void AntsAndBeesTrainWithTheirGif()
    {
        ZipFile.ExtractToDirectory(Repository.Shared("data/hymenoptera.zip"), _folder.Path);
        Assert.Contains(Directory.EnumerateFiles(_folder["train/ants"]), path => path.EndsWith(".gif", StringComparison.Ordinal));

        var accuracy = TrainAndEvaluate(_folder["train"], _folder["val"], new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet18,
            InputShape = new ImageShape(3, 32, 32),
            Epochs = 3,
            BatchSize = 32,
            LearningRate = 0.02,
        });

        Assert.InRange(accuracy, 0.4, 1);
    }

    [SkippableFact]
    public void FineTuningLiftsAPublishedCheckpoint()
    {
        Extract("data/cifar10-jpeg-train.zip", _folder["train"], perClass: 500);
        Extract("data/cifar10-jpeg-test.zip", _folder["test"], perClass: 200);
        var weights = ResNetWeights.Load(Repository.Shared("weights/resnet20-12fca82f.th"));

        // The checkpoint never saw what JPEG does to an image; 81 % on all test files.
        var accuracy = TrainAndEvaluate(_folder["train"], _folder["test"], new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            InitialWeights = weights.WithPreprocessing(ImagePreprocessing.Cifar10),
            Epochs = 2,
            LearningRate = 0.03,
            ValidationFraction = 0,
        });

        Assert.True(accuracy > 0.83, $"accuracy {accuracy}");
    }

    private double TrainAndEvaluate(string trainFolder, string testFolder, ResNetTrainer.Options options)
    {
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(_ml.MulticlassClassification.Trainers.ResNet(options));
        using var model = pipeline.Fit(_ml.Data.LoadImageFolder(trainFolder));
        return _ml.MulticlassClassification.Evaluate(model.Transform(_ml.Data.LoadImageFolder(testFolder))).MicroAccuracy;
    }

    internal static void Extract(string archive, string folder, int perClass)
    {
        using var zip = ZipFile.OpenRead(Repository.Shared(archive));
        var files = zip.Entries.Where(entry => entry.Name.Length > 0)
            .OrderBy(entry => entry.FullName, StringComparer.Ordinal)
            .GroupBy(entry => Path.GetDirectoryName(entry.FullName)!);
        foreach (var entry in files.SelectMany(group => group.Take(perClass)))
        {
            var path = Path.Combine(folder, entry.FullName);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            entry.ExtractToFile(path);
        }
    }
}
