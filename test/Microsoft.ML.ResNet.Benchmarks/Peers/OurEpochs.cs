using System.Diagnostics;
using Microsoft.ML.ResNet.Trainers;

namespace Benchmarks.Peers;

/// <summary>Whole epochs of the library's training, as a user calls it, with what its history and the process tell.</summary>
/// <param name="Training">The loop; its times are not looked at.</param>
/// <param name="Epochs">How many epochs; 0 stops after the first step, when all images have been read.</param>
/// <param name="CacheBytes">How much memory decoded images may take; null for the default.</param>
internal sealed record OurEpochs(TrainingWork Training, int Epochs, long? CacheBytes = null)
{
    public static readonly Peer<OurEpochs, EpochsResult> Peer = new("epochs", Train);

    /// <summary>Gets the names of the shards that the images are read from; null for the folder.</summary>
    public string? Shards { get; init; }

    /// <summary>Gets whether the shards are read anew in each epoch.</summary>
    public bool StreamsShards { get; init; }

    private static EpochsResult Train(OurEpochs work)
    {
        var training = work.Training;
        var ml = new MLContext(seed: 1);
        var images = work.Shards is { } shards ? Labeled(ml, ml.Data.LoadImageShards(shards)) : OfFolder(ml, training);
        var progress = new Progress();
        using var model = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.Parse(training.Architecture),
            InputShape = new ImageShape(3, training.ImageSize, training.ImageSize),
            Recipe = TrainingRecipe.Paper with
            {
                Steps = null,
                Epochs = Math.Max(1, work.Epochs),
                BatchSize = training.BatchSize,
                LearningRate = 0.01,
                Augmentation = ImageAugmentation.Auto,
            },
            MaxDuration = work.Epochs == 0 ? TimeSpan.FromTicks(1) : null,
            ValidationFraction = 0,
            OnBadImage = BadImageHandling.Skip,
            ThreadCount = training.Threads,
            CacheBytes = work.CacheBytes,
            StreamShards = work.StreamsShards,
            Progress = progress,
        }).Fit(images);
        using var process = Process.GetCurrentProcess();
        return new EpochsResult(
            model.History.TrainingImages, model.History.ReadingTime.TotalSeconds,
            [.. model.History.Epochs.Select(epoch => new EpochCost(epoch.Duration.TotalSeconds, epoch.AugmentationTime.TotalSeconds))],
            [.. progress.Resident], process.PeakWorkingSet64, progress.AllocatedPerStep);
    }

    private static IDataView OfFolder(MLContext ml, TrainingWork training)
    {
        var files = Labeled(ml, ml.Data.LoadFromEnumerable(training.Select()));
        return ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);
    }

    private static IDataView Labeled(MLContext ml, IDataView images) =>
        ml.Transforms.Conversion.MapValueToKey("Label").Fit(images).Transform(images);

    private sealed class Progress : IProgress<TrainingProgress>
    {
        private (long Step, long Bytes)? _first;
        private (long Step, long Bytes) _last;

        /// <summary>Gets memory at the end of each epoch, in bytes.</summary>
        public List<long> Resident { get; } = [];

        // From the second epoch on: by then everything is compiled, and pools are filled. What epochs' ends allocate is in it.
        public double? AllocatedPerStep =>
            _first is { } first && _last.Step > first.Step ? (double)(_last.Bytes - first.Bytes) / (_last.Step - first.Step) : null;

        public void Report(TrainingProgress value)
        {
            if (value.Finished is not null)
            {
                using var process = Process.GetCurrentProcess();
                Resident.Add(process.WorkingSet64);
            }
            else if (value.Epoch > 1)
            {
                _last = (value.Step, GC.GetTotalAllocatedBytes());
                _first ??= _last;
            }
        }
    }
}

/// <summary>What some epochs of training cost.</summary>
/// <param name="Images">The images trained on.</param>
/// <param name="ReadingSeconds">The time to read and decode them, before the first epoch.</param>
/// <param name="Epochs">Each epoch's cost.</param>
/// <param name="Resident">Memory at each epoch's end, in bytes.</param>
/// <param name="Peak">The most memory that the process had, in bytes.</param>
/// <param name="AllocatedPerStep">Managed bytes that a step allocates; null after too few steps.</param>
internal sealed record EpochsResult(
    int Images, double ReadingSeconds, EpochCost[] Epochs, long[] Resident, long Peak, double? AllocatedPerStep);

/// <summary>What an epoch took, in seconds, and what its augmentation took on a thread of its own.</summary>
internal sealed record EpochCost(double Seconds, double Augmentation);
