using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.Runtime;

namespace Cli;

/// <summary>A training run, as it was asked for.</summary>
internal sealed class Training(Terminal terminal, CancellationToken cancellation)
{
    public required ResNetArchitecture Architecture { get; init; }

    public required TrainingRecipe Recipe { get; init; }

    public required int? Epochs { get; init; }

    public required int? BatchSize { get; init; }

    public required double? LearningRate { get; init; }

    public required int? ImageSize { get; init; }

    public required ResNetWeights? InitialWeights { get; init; }

    public required TrainableLayers Layers { get; init; }

    public required string CheckpointFolder { get; init; }

    public required Resume Resume { get; init; }

    public required TimeSpan? MaxDuration { get; init; }

    public required bool Calibrate { get; init; }

    public required string? LogFolder { get; init; }

    public required long? MaxPixels { get; init; }

    public required bool ExifOrientation { get; init; }

    public required int Seed { get; init; }

    /// <summary>Trains, saves the model, and tests it if there are images to test it on.</summary>
    public TrainingResult Run(string data, string? validation, string? test, string modelPath, string? reportPath)
    {
        var ml = new MLContext(Seed);
        ml.Log += (_, message) =>
        {
            if (message.Kind == ChannelMessageKind.Warning)
            {
                terminal.Say(message.RawMessage); // images that are skipped, among others
            }
        };
        var train = ml.Data.LoadImageFolder(data);
        var validationFiles = validation is null ? null : ml.Data.LoadImageFolder(validation);
        var testFiles = test is null ? null : ml.Data.LoadImageFolder(test);
        var images = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.LoadImages("Image", null, "ImagePath")).Fit(train);
        var network = Fit(ml, images.Transform(train), validationFiles is null ? null : images.Transform(validationFiles));
        var names = ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel").Fit(network.Transform(images.Transform(train)));
        var model = images.Append(network).Append(names);
        WholeFile.Write(modelPath, stream => ml.Model.Save(model, train.Schema, stream));

        var accuracy = testFiles is null ? (double?)null : ml.MulticlassClassification.Evaluate(model.Transform(testFiles)).MicroAccuracy;
        if (reportPath is not null)
        {
            model.WriteReport(reportPath, testFiles!, new ReportOptions { Recipe = Recipe.ToJson(), CancellationToken = cancellation });
        }

        return TrainingResult.Of(modelPath, network, accuracy);
    }

    private ResNetClassificationTransformer Fit(MLContext ml, IDataView train, IDataView? validation)
    {
        try
        {
            return terminal.Track("reading images", bar => ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = Architecture,
                InputShape = ImageSize is { } size ? new ImageShape(3, size, size) : InitialWeights?.Preprocessing?.Input,
                Recipe = Recipe,
                Epochs = Epochs,
                BatchSize = BatchSize,
                LearningRate = LearningRate,
                InitialWeights = InitialWeights,
                TrainableLayers = Layers,
                CheckpointFolder = CheckpointFolder,
                Resume = Resume,
                MaxDuration = MaxDuration,
                Calibrate = Calibrate,
                LogFolder = LogFolder,
                OnBadImage = BadImageHandling.Skip,
                MaxImagePixels = MaxPixels,
                ApplyExifOrientation = ExifOrientation,
                Progress = new EpochProgress(terminal, bar),
                CancellationToken = cancellation,
            }).Fit(train, validation));
        }
        catch (OperationCanceledException) when (Directory.Exists(CheckpointFolder) && Directory.EnumerateFiles(CheckpointFolder, "*.safetensors").Any())
        {
            terminal.Say($"The same command goes on from the checkpoint in '{CheckpointFolder}'.");
            throw;
        }
    }
}
