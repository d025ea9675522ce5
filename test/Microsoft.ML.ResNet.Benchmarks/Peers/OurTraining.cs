using System.Diagnostics;
using Microsoft.ML.ResNet.Trainers;

namespace Benchmarks.Peers;

/// <summary>
/// The library, as a user calls it: files to a model, with augmentation. Steps are counted by the user's own progress callback.
/// </summary>
internal static class OurTraining
{
    public static readonly Peer<TrainingWork, TrainingRate> Peer = new("ours", Train);

    private static TrainingRate Train(TrainingWork work)
    {
        var ml = new MLContext(seed: 1);
        var files = ml.Data.LoadFromEnumerable(work.Select());
        var images = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Fit(files)
            .Transform(files);
        var progress = new Progress(work);
        using var stop = progress.Stop;
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.Parse(work.Architecture),
            InputShape = new ImageShape(3, work.ImageSize, work.ImageSize),
            Recipe = TrainingRecipe.Paper with
            {
                Steps = null,
                Epochs = 1_000_000,
                BatchSize = work.BatchSize,
                LearningRate = 0.01,
                Augmentation = ImageAugmentation.Auto,
            },
            ValidationFraction = 0,
            OnBadImage = BadImageHandling.Skip,
            ThreadCount = work.Threads,
            Progress = progress,
            CancellationToken = progress.Stop.Token,
        });
        try
        {
            trainer.Fit(images);
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }

        using var process = Process.GetCurrentProcess();
        return new TrainingRate(progress.Clock.StepsPerSecond * progress.ImagesPerStep, work.Plan.ParameterCount)
        {
            PeakMemory = process.PeakWorkingSet64,
            AugmentationShare = progress.Epochs > 0 ? progress.Augmentation / progress.Training : null,
        };
    }

    private sealed class Progress(TrainingWork work) : IProgress<TrainingProgress>
    {
        public StepClock Clock { get; } = new(work.WarmUp, work.Seconds);

        public CancellationTokenSource Stop { get; } = new();

        // All batches of an epoch are of the same size, give or take an image.
        public double ImagesPerStep { get; private set; } = work.BatchSize;

        public int Epochs { get; private set; }

        public TimeSpan Augmentation { get; private set; }

        public TimeSpan Training { get; private set; }

        public void Report(TrainingProgress value)
        {
            ImagesPerStep = (double)work.Images / (value.Steps / value.Epochs);
            Clock.At(value.Step);
            if (value.Finished is { Epoch: > 1 } epoch)
            {
                (Epochs, Augmentation, Training) = (Epochs + 1, Augmentation + epoch.AugmentationTime, Training + epoch.Duration);
            }

            if (Clock.IsOver)
            {
                Stop.Cancel();
            }
        }
    }
}
