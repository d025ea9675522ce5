using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace TransferLearning;

/// <summary>Scores a checkpoint as it is, fine-tunes it, and scores it again.</summary>
internal static class FineTuning
{
    private const int Seed = 1;

    public sealed record Settings(
        string WeightsPath, ResNetArchitecture Architecture, string DataFolder, string? TestFolder, TrainableLayers Layers, int Epochs, double LearningRate, string? ModelPath, string? CheckpointFolder);

    public static void Run(Settings settings, CancellationToken cancellation)
    {
        var ml = new MLContext(Seed);
        var weights = ResNetWeights.Load(settings.WeightsPath);
        var (train, test) = LoadImages(ml, settings);

        // One key for all: the classes in the order of their names, which is the order of most checkpoints' outputs too.
        var toKey = ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath")).Fit(train);
        (train, test) = (toKey.Transform(train), toKey.Transform(test));
        var preprocessing = weights.Preprocessing ?? (settings.Architecture.Stem == StemKind.SmallImage ? ImagePreprocessing.Cifar10 : ImagePreprocessing.ImageNetV1);

        var before = ScoreAsItIs(ml, weights, settings.Architecture, preprocessing, test);
        var (after, model) = FineTune(ml, weights, preprocessing, settings, train, test, cancellation);
        WriteReport(before, after, model.ClassNames);
        if (settings.ModelPath is { } path)
        {
            ml.Model.Save(toKey.Append(model), train.Schema, path);
            AnsiConsole.MarkupLineInterpolated($"Saved [bold]{path}[/].");
        }
    }

    private static (IDataView Train, IDataView Test) LoadImages(MLContext ml, Settings settings)
    {
        var images = ml.Data.LoadImageFolder(settings.DataFolder);
        if (settings.TestFolder is not null)
        {
            return (images, ml.Data.LoadImageFolder(settings.TestFolder));
        }

        var split = ml.Data.TrainTestSplit(images, testFraction: 0.2, seed: Seed);
        return (split.TrainSet, split.TestSet);
    }

    // Null where the checkpoint tells other classes apart than the folder has.
    private static MulticlassClassificationMetrics? ScoreAsItIs(MLContext ml, ResNetWeights weights, ResNetArchitecture architecture, ImagePreprocessing preprocessing, IDataView test)
    {
        var classCount = (int)((KeyDataViewType)test.Schema["Label"].Type).Count;
        if (!weights.TryGet("fc.weight", out var head) || head.Shape[0] != classCount)
        {
            AnsiConsole.MarkupLineInterpolated($"The checkpoint tells {(head is null ? "no" : head.Shape[0])} classes apart, the folder has {classCount}: its head is replaced.");
            return null;
        }

        using var model = ml.Transforms.ApplyResNet(weights, architecture, preprocessing: preprocessing).Fit(test);
        return Evaluate(ml, model, test, "Before");
    }

    private static (MulticlassClassificationMetrics Metrics, ResNetClassificationTransformer Model) FineTune(
        MLContext ml, ResNetWeights weights, ImagePreprocessing preprocessing, Settings settings, IDataView train, IDataView test, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var model = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = settings.Architecture,
            InputShape = preprocessing.Input,
            InitialWeights = weights.WithPreprocessing(preprocessing),
            TrainableLayers = settings.Layers,
            Recipe = TrainingRecipe.Modern with { WeightDecay = 1e-4 }, // trained weights need no more
            Epochs = settings.Epochs,
            LearningRate = settings.LearningRate,
            BatchSize = preprocessing.Input.Height > 64 ? 32 : 128,
            ValidationFraction = 0,
            OnBadImage = BadImageHandling.Skip,
            CheckpointFolder = settings.CheckpointFolder,
            Progress = new ConsoleProgress(),
            CancellationToken = cancellation,
        }).Fit(train);
        var rate = model.History.Epochs.Average(epoch => epoch.ImagesPerSecond);
        AnsiConsole.MarkupLineInterpolated($"Fine-tuned {settings.Layers} on {model.History.TrainingImages:n0} images in {clock.Elapsed.TotalSeconds:f0} s, reading included; {rate:f0} images/s in training.");
        return (Evaluate(ml, model, test, "After"), model);
    }

    private static MulticlassClassificationMetrics Evaluate(MLContext ml, ITransformer model, IDataView test, string when)
    {
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
        AnsiConsole.MarkupLineInterpolated($"{when}: accuracy [bold green]{metrics.MicroAccuracy:p2}[/], log-loss {metrics.LogLoss:f3}");
        return metrics;
    }

    private static void WriteReport(MulticlassClassificationMetrics? before, MulticlassClassificationMetrics after, IReadOnlyList<string> classes)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("class", "precision", "recall", "recall before");
        for (var label = 0; label < classes.Count; label++)
        {
            table.AddRow(Markup.Escape(classes[label]), Share(after.ConfusionMatrix.PerClassPrecision[label]), Share(after.ConfusionMatrix.PerClassRecall[label]),
                before is null ? "" : Share(before.ConfusionMatrix.PerClassRecall[label]));
        }

        AnsiConsole.Write(table);

        static string Share(double value) => value.ToString("p1", CultureInfo.InvariantCulture);
    }
}
