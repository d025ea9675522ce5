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
    public void ReadImages(LabeledImages train, string? validation, string? test)
    {
        _train = train;
        var data = train.Folder;
        train.RefuseOneClass();
        if (Train.HasSeveralLabels)
        {
            CheckForSeveralLabels(data);
        }

        if (KnownClasses is { } known && !known.SequenceEqual(Train.Classes))
        {
            throw new InvalidDataException(
                $"The model's classes are {LabeledImages.List(known)}, but those of '{data}' are "
                + $"{LabeledImages.List(Train.Classes)}. "
                + "Training goes on with the same classes only; for others start from the model with --weights.");
        }

        _validation = validation is null ? null : From(validation);
        _validation?.RefuseOtherKindThan(Train.HasSeveralLabels, data);
        _validation?.RefuseOtherClassesThan(Train.Classes, data);
        _test = test is null ? null : From(test);
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

    private LabeledImages From(string path) => LabeledImages.From(path, settings.Shards, terminal, cancellation);

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
        var most = Math.Max(PreviewImages, 2 * (settings.BatchSize ?? settings.Recipe.BatchSize));
        var reading = Train.Reading(_ml);
        var some = Train.Shards is null
            ? Train.Some(most).ToImages(_ml, Train, reading)
            : _ml.Data.TakeRows(Train.ToImages(_ml, Train, reading), most);
        var quiet = settings with
        {
            CheckpointFolder = null,
            Resume = Resume.Auto,
            LogFolder = null,
            ValidationShare = 0,
            StreamsShards = false,
            OnBadImage = BadImageHandling.Skip,
        };
        terminal.Track("drawing a batch", _ =>
        {
            _ml.MulticlassClassification.Trainers.ResNet(quiet.ToOptions(progress: null, cancellation))
                .WritePreview(path, some);
            return true;
        });
        terminal.Say($"Wrote {path}: a batch of images as the network sees them in training.");
    }

    /// <summary>Searches for a learning rate.</summary>
    public LearningRateSearch FindLearningRate(int steps)
    {
        ListenTo(_ml);
        var train = Train.ToImages(_ml, Train, Train.Reading(_ml));
        return terminal.Track("searching", _ =>
            _ml.MulticlassClassification.Trainers.ResNet(settings.ToOptions(progress: null, cancellation))
                .FindLearningRate(train, steps));
    }

    /// <summary>Trains together with rank 0, which does all else: one of several processes.</summary>
    public void Join()
    {
        ListenTo(_ml);
        _ = Fit(Train.Reading(_ml));
    }

    /// <summary>Trains, saves the model, and tests it if there are images to test it on.</summary>
    public TrainingResult Run(string modelPath, string? reportPath)
    {
        ListenTo(_ml);
        var reading = Train.Reading(_ml);
        var network = Fit(reading);
        var names = Train.HasSeveralLabels
            ? null
            : _ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel")
                .Fit(network.Transform(Train.ToImages(_ml, Train, reading)));
        ITransformer model = names is null ? reading.Append(network) : reading.Append(network).Append(names);
        WholeFile.Write(modelPath, stream => _ml.Model.Save(model, Train.ToView(_ml).Schema, stream));

        var test = _test?.ToImages(_ml, Train, reading);
        var scored = test is null ? null : network.Transform(test);
        var labels = scored is not null && Train.HasSeveralLabels
            ? _ml.MulticlassClassification.EvaluateMultilabel(scored)
            : null;
        var accuracy = scored is null ? (double?)null
            : labels?.ExactMatchRatio ?? _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy;
        if (reportPath is not null)
        {
            network.WriteReport(reportPath, test!, new ReportOptions { CancellationToken = cancellation });
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

    private ResNetClassificationTransformer Fit(ITransformer reading)
    {
        try
        {
            return terminal.Track("reading images", bar =>
            {
                var progress = new EpochProgress(terminal, bar);
                var trainer = _ml.MulticlassClassification.Trainers.ResNet(settings.ToOptions(progress, cancellation));
                var network = trainer.Fit(Train.ToImages(_ml, Train, reading), _validation?.ToImages(_ml, Train, reading));
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
