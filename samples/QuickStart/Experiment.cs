using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.Runtime;
using Samples;
using Spectre.Console;

namespace QuickStart;

/// <summary>The whole way: images, training, evaluation, a saved model, and that model classifying files.</summary>
internal static class Experiment
{
    public const int ShapesEpochs = 4;
    private const int ShapesTrainPerClass = 500;
    private const int ShapesTestPerClass = 200;
    private const int Seed = 1;

    public sealed record Settings(string? DataFolder, string? TestFolder, ResNetArchitecture Architecture, int? Epochs, int? ImageSize,
        string ModelPath, string ReportPath, string? CheckpointFolder, bool ProgressLines);

    public static void Run(Settings settings, CancellationToken cancellation)
    {
        var isFirst = DistributedJob.Rank == 0; // of the processes that mpirun started, if it did
        if (isFirst)
        {
            WritableFile.Ensure("--model", settings.ModelPath);
            WritableFile.Ensure("--report", settings.ReportPath);
        }

        if (settings.ImageSize < settings.Architecture.MinimumImageSize)
        {
            throw new ArgumentException(
                $"--image-size is {settings.ImageSize}, but {settings.Architecture} needs images of at least "
                + $"{settings.Architecture.MinimumImageSize} pixels.");
        }

        var ml = new MLContext(Seed);
        ml.Log += ShowWarnings;
        var (train, test) = LoadImages(ml, settings);
        CheckClasses(ml, train, test, settings);

        var model = Train(ml, train, settings, cancellation);
        if (!isFirst)
        {
            return; // all have the same model, and one of them saves it
        }

        Evaluate(ml, model, test);
        ml.Model.Save(model, train.Schema, settings.ModelPath);
        var (path, size) = (settings.ModelPath, new FileInfo(settings.ModelPath).Length / 1024);
        AnsiConsole.MarkupLineInterpolated(
            $"Saved [bold]{path}[/], {size:n0} KB. It needs neither Torch nor this library to run: see samples/Consume.");
        PredictSomeFiles(ml, settings.ModelPath, test);
        model.WriteReport(settings.ReportPath, test, new ReportOptions { CancellationToken = cancellation });
        AnsiConsole.MarkupLineInterpolated(
            $"Wrote [bold]{settings.ReportPath}[/]: curves, confusion, the worst mistakes, and how far probabilities can be trusted.");
    }

    // Images that are left out, a network that learned nothing, and the like: the trainer tells ML.NET's log, which nobody sees by itself.
    private static void ShowWarnings(object? sender, LoggingEventArgs message)
    {
        if (message.Kind < ChannelMessageKind.Warning || !message.Source.Contains(nameof(ResNetTrainer), StringComparison.Ordinal))
        {
            return;
        }

        if (Console.IsOutputRedirected)
        {
            Console.Error.WriteLine(message.RawMessage);
        }
        else
        {
            AnsiConsole.MarkupLineInterpolated($"[yellow]{message.RawMessage}[/]"); // above the bar
        }
    }

    private static (IDataView Train, IDataView Test) LoadImages(MLContext ml, Settings settings)
    {
        if (settings.DataFolder is null)
        {
            var folder = Path.Combine(AppContext.BaseDirectory, DistributedJob.Rank == 0 ? "shapes" : $"shapes-{DistributedJob.Rank}");
            ShapesDataset.Create(folder, ShapesTrainPerClass, ShapesTestPerClass, Seed);
            var shapes = ShapesDataset.ClassNames.Count;
            var drawn = (ShapesTrainPerClass + ShapesTestPerClass) * shapes;
            AnsiConsole.MarkupLineInterpolated($"Drew {drawn:n0} images of {shapes} shapes in [bold]{folder}[/]");
            return (ml.Data.LoadImageFolder(Path.Combine(folder, "train")), ml.Data.LoadImageFolder(Path.Combine(folder, "test")));
        }

        var images = ml.Data.LoadImageFolder(settings.DataFolder);
        if (settings.TestFolder is not null)
        {
            return (images, Readable(ml, ml.Data.LoadImageFolder(settings.TestFolder)));
        }

        var split = ml.Data.TrainTestSplit(images, testFraction: 0.2, seed: Seed);
        return (split.TrainSet, Readable(ml, split.TestSet));
    }

    // The trainer skips images that it cannot read; a test would end at the first. Decoding them before training tells.
    private static IDataView Readable(MLContext ml, IDataView files)
    {
        var readable = new List<ImageFolderRow>();
        foreach (var file in ml.Data.CreateEnumerable<ImageFolderRow>(files, reuseRowObject: false))
        {
            try
            {
                ResNetImage.Load(file.ImagePath).Dispose();
                readable.Add(file);
            }
            catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine(exception.Message); // which names the image
            }
        }

        return readable.Count > 0 ? ml.Data.LoadFromEnumerable(readable)
            : throw new InvalidDataException("None of the test images can be read.");
    }

    // Better now than after the training.
    private static void CheckClasses(MLContext ml, IDataView train, IDataView test, Settings settings)
    {
        if (settings.TestFolder is null)
        {
            return;
        }

        string[] Classes(IDataView view) =>
            [.. ml.Data.CreateEnumerable<ImageFolderRow>(view, reuseRowObject: true).Select(file => file.Label).Distinct()];
        var (known, tested) = (Classes(train), Classes(test));
        if (tested.FirstOrDefault(label => !known.Contains(label)) is { } unknown)
        {
            throw new ArgumentException(
                $"--test '{settings.TestFolder}' has a class '{unknown}' that --data '{settings.DataFolder}' has not. "
                + $"Classes of --test: {string.Join(", ", tested)}. Classes of --data: {string.Join(", ", known)}.");
        }
    }

    private static ITransformer Train(MLContext ml, IDataView train, Settings settings, CancellationToken cancellation) =>
        DistributedJob.Rank == 0
            ? TrainWithBar(ml, train, settings, cancellation)
            : Pipeline(ml, settings, progress: null, cancellation).Fit(train); // rank 0 shows how it goes

    private static ITransformer TrainWithBar(MLContext ml, IDataView train, Settings settings, CancellationToken cancellation) =>
        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(),
                new PercentageColumn(), new RemainingTimeColumn())
            .Start(bar =>
            {
                var task = bar.AddTask($"{settings.Architecture}: reading images");
                var clock = Stopwatch.StartNew();
                var model =
                    Pipeline(ml, settings, settings.ProgressLines ? new LineProgress() : new TaskProgress(task), cancellation).Fit(train);
                task.Description += string.Create(CultureInfo.InvariantCulture, $" in {clock.Elapsed.TotalSeconds:f0} s");
                return model;
            });

    private static IEstimator<ITransformer> Pipeline(
        MLContext ml, Settings settings, IProgress<TrainingProgress>? progress, CancellationToken cancellation) =>
        ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(Options(settings, progress, cancellation)))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));

    private static ResNetTrainer.Options Options(Settings settings, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        var size = settings.ImageSize ?? settings.Architecture.DefaultImageSize;
        return new ResNetTrainer.Options
        {
            Architecture = settings.Architecture,
            InputShape = new ImageShape(3, size, size),
            Recipe = Recipe(settings),
            OnBadImage = BadImageHandling.Skip,
            CheckpointFolder = settings.CheckpointFolder,
            Progress = progress,
            CancellationToken = cancellation,
        };
    }

    private static TrainingRecipe Recipe(Settings settings)
    {
        const int large = 64;
        return TrainingRecipe.Modern with
        {
            Epochs = settings.Epochs ?? (settings.DataFolder is null ? ShapesEpochs : 30),
            BatchSize = (settings.ImageSize ?? settings.Architecture.DefaultImageSize) > large ? 32 : 64,
            LearningRate = 0.05,
            Optimizer = OptimizerKind.Muon, // from random weights, fewer epochs for the same accuracy
            EmaDecay = 0.99,
        };
    }

    private static void Evaluate(MLContext ml, ITransformer model, IDataView test)
    {
        var clock = Stopwatch.StartNew();
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
        var seconds = clock.Elapsed.TotalSeconds;
        AnsiConsole.MarkupLineInterpolated(
            $"Test accuracy [bold green]{metrics.MicroAccuracy:p2}[/], log-loss {metrics.LogLoss:f3}, in {seconds:f1} s");
        WriteConfusionMatrix(metrics.ConfusionMatrix, model.GetResNet().ClassNames);
    }

    private static void WriteConfusionMatrix(ConfusionMatrix matrix, IReadOnlyList<string> classes)
    {
        const int most = 15;
        if (classes.Count > most)
        {
            return;
        }

        const string corner = "is \\ predicted";
        var room = AnsiConsole.Profile.Width - Math.Max(corner.Length, classes.Max(name => name.Length)) - 4;
        if (ColumnHeads.Fit(classes, Console.IsOutputRedirected ? null : room, between: 1) is not { } heads)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn(corner).NoWrap());
        foreach (var head in heads)
        {
            table.AddColumn(new TableColumn(Markup.Escape(head)).RightAligned().NoWrap().Padding(0, 0));
        }

        for (var row = 0; row < classes.Count; row++)
        {
            var counts = matrix.Counts[row].Select(
                (count, column) => count == 0 ? "[grey]·[/]" : column == row ? $"[green]{count}[/]" : $"[red]{count}[/]");
            table.AddRow([Markup.Escape(classes[row]), .. counts]);
        }

        AnsiConsole.Write(table);
    }

    // As any program would that was only given the file.
    private static void PredictSomeFiles(MLContext ml, string modelPath, IDataView test)
    {
        var model = ml.Model.Load(modelPath, out _);
        using var engine = ml.Model.CreatePredictionEngine<ImageFolderRow, Prediction>(model);
        var files = ml.Data.CreateEnumerable<ImageFolderRow>(test, reuseRowObject: false).ToArray();
        var table = new Table().Border(TableBorder.Simple).AddColumns("file", "is", "predicted", "probability");
        foreach (var file in files.Where((_, row) => row % Math.Max(1, files.Length / 6) == 0).Take(6))
        {
            var prediction = engine.Predict(file);
            var color = prediction.PredictedLabelText == file.Label ? "green" : "red";
            table.AddRow(Markup.Escape(Path.GetFileName(file.ImagePath)), Markup.Escape(file.Label),
                $"[{color}]{Markup.Escape(prediction.PredictedLabelText)}[/]", $"{prediction.Score.Max():p1}");
        }

        AnsiConsole.Write(table);
    }

    private sealed class Prediction
    {
        public string PredictedLabelText { get; set; } = "";

        public float[] Score { get; set; } = [];
    }

    private sealed class LineProgress : IProgress<TrainingProgress>
    {
        // A loss can stop being a number.
        private static readonly JsonSerializerOptions s_json = new()
        {
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        };

        public void Report(TrainingProgress progress) => Console.WriteLine(JsonSerializer.Serialize(progress, s_json));
    }

    private sealed class TaskProgress(ProgressTask task) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress progress)
        {
            task.MaxValue = progress.Steps;
            task.Value = progress.Step;
            task.Description = string.Create(CultureInfo.InvariantCulture,
                $"epoch {progress.Epoch}/{progress.Epochs}: loss {progress.Loss:f3}, accuracy {progress.TrainingAccuracy:p1}"
                + $"{(progress.ValidationAccuracy is { } validation ? $", validation {validation:p1}" : "")}, "
                + $"{progress.ImagesPerSecond:f0} images/s");
        }
    }
}
