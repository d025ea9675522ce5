using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace PaperExperiments;

/// <summary>Trains networks under one protocol, and keeps them: a network that was trained before is not trained again.</summary>
internal sealed class Laboratory
{
    private readonly MLContext _ml;
    private readonly string _output;
    private readonly int _seed;
    private readonly Budget _budget;
    private readonly long? _steps;
    private readonly CancellationToken _cancellation;
    private readonly IDataView _train;

    public Laboratory(string? data, Budget budget, long? steps, string output, int seed, CancellationToken cancellation)
    {
        _ml = new MLContext(seed);
        _output = output;
        _seed = seed;
        _cancellation = cancellation;
        _budget = budget;
        _steps = steps;
        var (train, test) = data is null ? Download() : _ml.Data.LoadCifar10(data);
        var labels = _ml.Transforms.Conversion.MapValueToKey(
            "Label", keyOrdinality: Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
            .Fit(train);
        (_train, Test) = (labels.Transform(train), labels.Transform(test));
    }

    /// <summary>Gets the test images, with their labels as keys.</summary>
    public IDataView Test { get; }

    /// <summary>Gets the protocol that a network is trained by.</summary>
    /// <param name="layers">The network's layers: from 110 on it warms up, as the paper's does.</param>
    /// <param name="quickSteps">The steps of the quick budget.</param>
    public TrainingRecipe Recipe(int layers, long quickSteps)
    {
        const int deep = 110;
        var recipe = layers >= deep ? TrainingRecipe.PaperDeep : TrainingRecipe.Paper;
        return recipe with { Steps = _steps ?? (_budget == Budget.Paper ? recipe.Steps : quickSteps) };
    }

    /// <summary>Gives a recipe the steps that were asked for, if any were.</summary>
    public TrainingRecipe Limited(TrainingRecipe recipe) => _steps is null ? recipe : recipe with { Steps = _steps };

    /// <summary>Gets the path of a result.</summary>
    public string Result(string name)
    {
        Directory.CreateDirectory(_output);
        return Path.Combine(_output, name);
    }

    /// <summary>Trains a network on all training images; after each epoch it is tested.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="recipe">How.</param>
    /// <param name="name">The name of its folder and in results.</param>
    /// <param name="precision">The type that convolutions compute in.</param>
    /// <param name="seed">The seed; null for the command's.</param>
    public TrainedNetwork Train(ResNetArchitecture architecture, TrainingRecipe recipe, string name,
        TrainingPrecision precision = TrainingPrecision.Auto, int? seed = null)
    {
        var folder = Result(Path.Combine("networks", name));
        var model = Progress.Run(
            $"{name}: reading images",
            progress => _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = architecture,
                Recipe = recipe,
                Seed = seed ?? _seed,
                Precision = precision,
                CheckpointFolder = Path.Combine(folder, "checkpoints"),
                LogFolder = Path.Combine(folder, "log"),
                Progress = progress,
                CancellationToken = _cancellation,
            }).Fit(_train, Test));
        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(Test));
        model.Weights.Save(Path.Combine(folder, "weights.safetensors"));
        model.WriteReport(Path.Combine(folder, "report.html"), Test, new ReportOptions { Title = name, Recipe = recipe.ToJson() });
        var last = model.History.Epochs[^1];
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: training error {100 * (1 - last.Accuracy):f2} %, test error {100 * (1 - metrics.MicroAccuracy):f2} %, "
            + $"{model.History.Epochs.Sum(epoch => epoch.Duration.TotalMinutes):f1} minutes."));
        return new TrainedNetwork(name, model, 1 - last.Accuracy, 1 - metrics.MicroAccuracy);
    }

    private Cifar10 Download() => Progress.Run(
        "downloading CIFAR-10", (IProgress<double> progress) => _ml.Data.DownloadCifar10(progress, cancellationToken: _cancellation));
}
