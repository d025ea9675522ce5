using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;
using Spectre.Console;
using static Microsoft.ML.Transforms.ValueToKeyMappingEstimator;

namespace TransferLearning;

/// <summary>Scores a network as it is, where it knows the classes; fine-tunes it; and scores it again.</summary>
internal sealed class FineTuning
{
    private const int LargeImage = 64, LargeImageBatch = 32, SmallImageBatch = 128;

    // Of a photograph its middle is scored, seven eighths of its side, as ImageNet's networks are tested; and a little larger than they
    // were trained, since crops to train on show objects larger (Touvron et al., 2019). Both by cross-validation: docs/RESULTS.md.
    private const int Border = 14, PhotographSide = 256;

    // Each image as it is, and three times cropped and mirrored: the head then learns from four times as many.
    private const int HeadCopies = 4;

    private readonly Settings _settings;
    private readonly MLContext _ml;
    private readonly ResNetWeights _weights;
    private readonly ResNetArchitecture _architecture;
    private readonly ImagePreprocessing _preprocessing;

    public FineTuning(Settings settings, ResNetWeights weights, ResNetArchitecture architecture)
    {
        _settings = settings;
        _ml = new MLContext(settings.Seed);
        _architecture = architecture;
        _preprocessing = weights.Preprocessing
            ?? (architecture.Stem == StemKind.SmallImage ? ImagePreprocessing.Cifar10 : ImagePreprocessing.ImageNetV1);
        if (_preprocessing is { CropBorder: 0, Input.Height: > LargeImage })
        {
            _preprocessing = (_preprocessing with { CropBorder = _preprocessing.Input.Height / Border })
                .ForInput(new ImageShape(3, PhotographSide, PhotographSide));
        }

        _weights = weights.WithPreprocessing(_preprocessing);
    }

    public sealed record Settings(
        string DataFolder,
        string? TestFolder,
        TrainableLayers Layers,
        int? Epochs,
        double? LearningRate,
        string? ModelPath,
        string? CheckpointFolder,
        int Seed);

    public void Run(CancellationToken cancellation)
    {
        if (_settings.ModelPath is { } file)
        {
            WritableFile.Ensure("--model", file);
        }

        var (images, testImages) = LoadImages();
        ClassCheck.RefuseUnknown([.. images.GetColumn<string>("Label")], [.. testImages.GetColumn<string>("Label")]);

        // One key for all: the classes in the order of their names, which is the order of most checkpoints' outputs too.
        var toKey = _ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: KeyOrdinality.ByValue)
            .Append(_ml.Transforms.LoadImages("Image", null, "ImagePath")).Fit(images);
        var (train, test) = (toKey.Transform(images), toKey.Transform(testImages));

        var before = ScoreAsItIs(test);
        var (after, model) = FineTune(train, test, cancellation);
        WriteReport(before, after, model.ClassNames);
        if (_settings.ModelPath is { } path)
        {
            var toName = _ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel").Fit(model.Transform(train));
            _ml.Model.Save(toKey.Append(model).Append(toName), images.Schema, path);
            AnsiConsole.MarkupLineInterpolated($"Saved [bold]{path}[/].");
        }
    }

    private (IDataView Train, IDataView Test) LoadImages()
    {
        var (data, test) = (_settings.DataFolder, _settings.TestFolder);
        if (test is null && Path.Combine(data, "train") is var train && Directory.Exists(train))
        {
            test = ((string[])["test", "val"]).Select(name => Path.Combine(data, name)).FirstOrDefault(Directory.Exists);
            data = test is null ? data : train;
        }

        var images = _ml.Data.LoadImageFolder(data);
        if (test is not null)
        {
            return (images, _ml.Data.LoadImageFolder(test));
        }

        var split = _ml.Data.TrainTestSplit(images, testFraction: 0.2, seed: _settings.Seed);
        return (split.TrainSet, split.TestSet);
    }

    // Null where the checkpoint tells other classes apart than the folder has.
    private MulticlassClassificationMetrics? ScoreAsItIs(IDataView test)
    {
        var classCount = (int)((KeyDataViewType)test.Schema["Label"].Type).Count;
        if (!_weights.TryGet("fc.weight", out var head) || head.Shape[0] != classCount)
        {
            var known = head is null ? "no" : $"{head.Shape[0]}";
            AnsiConsole.MarkupLineInterpolated(
                $"The checkpoint tells {known} classes apart, the folder has {classCount}: it gets a new head.");
            return null;
        }

        using var model = _ml.Transforms.ApplyResNet(_weights, _architecture, preprocessing: _preprocessing).Fit(test);
        return Evaluate(model, test, "Before");
    }

    private (MulticlassClassificationMetrics Metrics, ResNetClassificationTransformer Model) FineTune(
        IDataView train, IDataView test, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var model = _ml.MulticlassClassification.Trainers.ResNet(Options(cancellation)).Fit(train);
        var (images, seconds) = (model.History.TrainingImages, clock.Elapsed.TotalSeconds);
        var rate = model.History.Epochs.Average(epoch => epoch.ImagesPerSecond);
        AnsiConsole.MarkupLineInterpolated($"Fine-tuned {_settings.Layers} on {images:n0} images in {seconds:f0} s, reading included.");
        AnsiConsole.MarkupLineInterpolated($"{rate:n0} images/s in training.");
        return (Evaluate(model, test, "After"), model);
    }

    private bool TrainsHeadOnly => _settings.Layers == TrainableLayers.Head;

    private ResNetTrainer.Options Options(CancellationToken cancellation) => new()
    {
        Architecture = _architecture,
        InputShape = _preprocessing.Input,
        InitialWeights = _weights,
        TrainableLayers = _settings.Layers,
        FitHeadFirst = !TrainsHeadOnly,
        HeadCopies = TrainsHeadOnly ? 1 : HeadCopies,
        KeepBatchNormStatistics = !TrainsHeadOnly,
        Recipe = TrainingRecipe.Modern with { WeightDecay = TrainsHeadOnly ? 1e-2 : 1e-4 }, // trained layers need little
        Epochs = _settings.Epochs ?? (TrainsHeadOnly ? 60 : 4),
        LearningRate = _settings.LearningRate ?? (TrainsHeadOnly ? 0.003 : 0.0005), // more would spoil what the network knows
        BatchSize = _preprocessing.Input.Height > LargeImage ? LargeImageBatch : SmallImageBatch,
        ValidationFraction = 0,
        OnBadImage = BadImageHandling.Skip,
        CheckpointFolder = _settings.CheckpointFolder,
        Progress = new ConsoleProgress(),
        CancellationToken = cancellation,
    };

    private MulticlassClassificationMetrics Evaluate(ITransformer model, IDataView test, string when)
    {
        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(test));
        AnsiConsole.MarkupLineInterpolated(
            $"{when}: accuracy [bold green]{metrics.MicroAccuracy:p2}[/], log-loss {metrics.LogLoss:f3}");
        return metrics;
    }

    private static void WriteReport(
        MulticlassClassificationMetrics? before, MulticlassClassificationMetrics after, IReadOnlyList<string> classes)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("class", "precision", "recall");
        if (before is not null)
        {
            table.AddColumn("recall before");
        }

        for (var label = 0; label < classes.Count; label++)
        {
            string[] row =
            [
                Markup.Escape(classes[label]),
                Share(after.ConfusionMatrix.PerClassPrecision[label]),
                Share(after.ConfusionMatrix.PerClassRecall[label]),
            ];
            table.AddRow(before is null ? row : [.. row, Share(before.ConfusionMatrix.PerClassRecall[label])]);
        }

        AnsiConsole.Write(table);

        static string Share(double value) => value.ToString("p1", CultureInfo.InvariantCulture);
    }
}
