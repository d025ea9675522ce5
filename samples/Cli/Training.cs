using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.Runtime;

namespace Cli;

/// <summary>A training run. All that can be checked is, before the first image is trained on.</summary>
internal sealed class Training(TrainingSettings settings, Terminal terminal, CancellationToken cancellation)
{
    private const string TrainerSource = nameof(ResNetTrainer);
    private const int PreviewImages = 256;

    private readonly MLContext _ml = new(settings.Seed);
    private LabeledImages? _train, _validation, _test;

    /// <summary>Gets the classes that the starting weights know and must go on with.</summary>
    /// <value>The default is null: the images decide.</value>
    public ImmutableArray<string>? KnownClasses { get; init; }

    private LabeledImages Train => _train ?? throw new InvalidOperationException("Images are read before they are trained on.");

    /// <summary>Lists and checks the images: those to train and to validate on are decoded by the trainer, before its first
    /// epoch.</summary>
    public void ReadImages(string data, string? validation, string? test)
    {
        _train = LabeledImages.From(data);
        if (Train.HasSeveralLabels)
        {
            CheckForSeveralLabels(data);
        }
        else if (Train.Classes.Length < 2)
        {
            throw new InvalidDataException(
                $"Folder '{data}' has images of one class only, '{Train.Classes[0]}', but a network tells classes apart: give each a "
                + "sub-folder.");
        }

        if (KnownClasses is { } known && !known.SequenceEqual(Train.Classes))
        {
            throw new InvalidDataException(
                $"The model's classes are {LabeledImages.List(known)}, but those of folder '{data}' are "
                + $"{LabeledImages.List(Train.Classes)}. "
                + "Training goes on with the same classes only; for others start from the model with --weights.");
        }

        _validation = validation is null ? null : LabeledImages.From(validation);
        _validation?.RefuseOtherKindThan(Train.HasSeveralLabels, data);
        _validation?.RefuseOtherClassesThan(Train.Classes, data);
        _test = test is null ? null : LabeledImages.From(test);
        _test?.RefuseOtherKindThan(Train.HasSeveralLabels, data);
        _test?.RefuseOtherClassesThan(Train.Classes, data);
        if (_test is { } images)
        {
            var reader = new ImageReader(settings.MaxPixels, exifOrientation: false, terminal, cancellation)
            {
                FailsOnBadImage = settings.OnBadImage == BadImageHandling.Fail,
            };
            _test = images.Readable("checking test images", reader);
            SkippedTestImages = reader.Failed;
        }
    }

    private int SkippedTestImages { get; set; }

    private void CheckForSeveralLabels(string data)
    {
        if (Train.Classes.IsEmpty)
        {
            throw new InvalidDataException(
                $"No image of '{data}' has a label. A line is the path of an image, a comma, and its labels with | or ; between them: "
                + "photos/1.jpg,dog|beach");
        }

        UsageException.ThrowIf(settings.RejectUnknown is not null,
            "--reject-unknown is for images with one class each; an image with any number of labels may have none.");
        UsageException.ThrowIf(settings.Recipe.ClassBalance == ClassBalance.Sampling,
            "With any number of labels for an image, --balance is Weights or None: drawing a rare label's images draws their other labels "
            + "too.");
    }

    /// <summary>Draws a batch as the network will see it.</summary>
    public void WritePreview(string path)
    {
        var some = Train.Some(Math.Max(PreviewImages, 2 * (settings.BatchSize ?? settings.Recipe.BatchSize))).ToView(_ml);
        var quiet = settings with
        {
            CheckpointFolder = null,
            Resume = Resume.Auto,
            LogFolder = null,
            ValidationShare = 0,
            OnBadImage = BadImageHandling.Skip,
        };
        terminal.Track("drawing a batch", _ =>
        {
            _ml.MulticlassClassification.Trainers.ResNet(quiet.ToOptions(progress: null, cancellation))
                .WritePreview(path, Train.Reading(_ml).Transform(some));
            return true;
        });
        terminal.Say($"Wrote {path}: a batch of images as the network sees them in training.");
    }

    /// <summary>Searches for a learning rate.</summary>
    public LearningRateSearch FindLearningRate(int steps)
    {
        ListenTo(_ml);
        var train = Train.ToView(_ml);
        return terminal.Track("searching", _ =>
            _ml.MulticlassClassification.Trainers.ResNet(settings.ToOptions(progress: null, cancellation))
                .FindLearningRate(Train.Reading(_ml).Transform(train), steps));
    }

    /// <summary>Trains together with rank 0, which does all else: one of several processes.</summary>
    public void Join()
    {
        ListenTo(_ml);
        var train = Train.ToView(_ml);
        _ = Fit(Train.Reading(_ml), train);
    }

    /// <summary>Trains, saves the model, and tests it if there are images to test it on.</summary>
    public TrainingResult Run(string modelPath, string? reportPath)
    {
        ListenTo(_ml);
        var train = Train.ToView(_ml);
        var images = Train.Reading(_ml);
        var network = Fit(images, train);
        ITransformer model = Train.HasSeveralLabels
            ? images.Append(network)
            : images.Append(network).Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel")
                .Fit(network.Transform(images.Transform(train))));
        WholeFile.Write(modelPath, stream => _ml.Model.Save(model, train.Schema, stream));

        var test = _test?.ToView(_ml);
        var labels = test is not null && Train.HasSeveralLabels
            ? _ml.MulticlassClassification.EvaluateMultilabel(model.Transform(test))
            : null;
        var accuracy = test is null ? (double?)null
            : labels?.ExactMatchRatio ?? _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
        if (reportPath is not null)
        {
            model.WriteReport(reportPath, test!, new ReportOptions { CancellationToken = cancellation });
        }

        var result = TrainingResult.Of(modelPath, network, accuracy);
        return result with
        {
            TestImages = _test?.Files.Length ?? 0,
            SkippedTestImages = SkippedTestImages,
            TestMeanAveragePrecision = labels?.MeanAveragePrecision,
        };
    }

    // Warnings: images that are skipped, among others. And where a run goes on.
    private void ListenTo(MLContext ml) => ml.Log += (_, message) =>
    {
        var isOurs = message.Source.Contains(TrainerSource, StringComparison.Ordinal);
        if ((isOurs && message.Kind >= ChannelMessageKind.Warning)
            || (message.Kind == ChannelMessageKind.Info && isOurs && !message.RawMessage.StartsWith("Epoch ", StringComparison.Ordinal)))
        {
            terminal.Say(OptionNames.InPlaceOfApi(message.RawMessage));
        }
    };

    private ResNetClassificationTransformer Fit(ITransformer images, IDataView train)
    {
        try
        {
            return terminal.Track("reading images", bar =>
            {
                var progress = new EpochProgress(terminal, bar);
                var trainer = _ml.MulticlassClassification.Trainers.ResNet(settings.ToOptions(progress, cancellation));
                var network = trainer.Fit(
                    images.Transform(train), _validation is null ? null : images.Transform(_validation.ToView(_ml)));
                if (!progress.IsTrained)
                {
                    terminal.Say(
                        $"All epochs were done before: the network is that of the checkpoint in '{settings.CheckpointFolder}'. To train "
                        + "on, give --more-epochs.");
                }

                return network;
            });
        }
        catch (OperationCanceledException) when (CheckpointFiles.Exist(settings.CheckpointFolder))
        {
            terminal.Say($"The same command goes on from the checkpoint in '{settings.CheckpointFolder}'.");
            throw;
        }
    }
}
