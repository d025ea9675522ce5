using System.Collections.Immutable;
using System.Diagnostics;
using System.Numerics;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Loop;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Puts together what is in force in a run. To be used on the training thread, once Torch has its number of threads.</summary>
internal static class RunConditions
{
    /// <summary>Puts together what is known before the first step.</summary>
    public static TrainingConditions Of<T>(
        LayerPlan plan, ResNetTrainer.Options options, TrainingSettings settings, ResNetWeights start, TrainingImages<T> images)
        where T : unmanaged, INumberBase<T> => new()
        {
            Network = plan.Architecture.Name,
            TrainedLayers = settings.FineTuning.Layers.ToString(),
            EpochsPerUnfreezing = settings.FineTuning.EpochsPerUnfreezing,
            LayerDecay = settings.FineTuning.LayerDecay,
            Precision = settings.Precision.ToString(),
            Threads = torch.get_num_threads(),
            DataFolder = images.Folder,
            TrainingImagesByClass = CountByClass(images.Training, plan.ClassCount, images.LabelSets),
            ValidationImagesByClass = CountByClass(images.Validation, plan.ClassCount, images.LabelSets),
            StartingWeights = options.StartWeights is { } given
                ? given.Source ?? $"weights that the program gave{(given.ArchitectureName is { } name ? $", of {name}" : "")}"
                : $"random ones, by the seed {settings.Seed}",
            StartingWeightsHash = (options.StartWeights ?? start).ValuesHash,
            Versions = new Dictionary<string, string>
            {
                ["ResNet.MLNet"] = Version(typeof(ResNetTrainer)),
                ["ML.NET"] = Version(typeof(MLContext)),
                ["TorchSharp"] = Version(typeof(torch)),
                ["libtorch"] = LibTorchSharpLoader.LibTorchVersion,
                ["ONNX Runtime"] = Version(typeof(InferenceSession)),
                [".NET"] = Environment.Version.ToString(),
            },
            System = RuntimeInformation.OSDescription,
            Processor = $"{Processor.Name}, {Environment.ProcessorCount} cores"
                + (settings.Tensors.IsOnCpu ? "" : $"; trained on {settings.Tensors.Device}"),
        };

    /// <summary>Says which recipe it came to, and how long it took up to now.</summary>
    /// <param name="conditions">What was known before.</param>
    /// <param name="recipe">The recipe with the batch size that fitted into memory.</param>
    /// <param name="augmentation">How images are varied; not Auto.</param>
    /// <param name="started">When the run began, as a timestamp of Stopwatch.</param>
    public static TrainingConditions Now(
        this TrainingConditions conditions, TrainingRecipe recipe, ImageAugmentation augmentation, long started)
    {
        var duration = Stopwatch.GetElapsedTime(started);
        return conditions with
        {
            Recipe = (recipe with { Augmentation = augmentation }).ToJson(),
            Started = TimeProvider.System.GetUtcNow() - duration,
            Duration = duration,
        };
    }

    // The version of the package: an assembly's own may stay at 1.0.0. What follows a plus is the commit.
    private static string Version(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private static ImmutableArray<int> CountByClass<T>(ImageSet<T> images, int classCount, LabelSets? labelSets)
        where T : unmanaged, INumberBase<T>
    {
        if (labelSets is not null)
        {
            return [.. labelSets.Count(images.Labels)];
        }

        var counts = new int[classCount];
        foreach (var image in images.Entries)
        {
            counts[image.Label]++;
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(counts);
    }
}
