using System.Text.RegularExpressions;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;

namespace Cli;

/// <summary>The library names its own options in its messages; this tool says what to type instead.</summary>
internal static partial class OptionNames
{
    // Advice on options that this tool has not. A test checks that the library still says it so.
    internal static readonly (string Words, string Typed)[] Phrases =
    [
        ("Raise CacheBytes, or set CheckpointFolder to a folder on a larger disk.", "Give --checkpoints a folder on a larger disk."),
        ("Raise CacheBytes, make room on the disk, or set CheckpointFolder to a folder on a larger one.",
            "Make room on the disk, or give --checkpoints a folder on a larger one."),
        ("Those of LoadImageShards need none", "Those of shards need none"),
        ("leave it out by OnBadImage = BadImageHandling.Skip", "leave it out with --on-bad-image Skip"),
        ("""Start from a pretrained network (Pretrained = "resnet18"), or choose a larger InputShape, such as 3×128×128.""",
            "Start from a pretrained network (--pretrained, without --arch), or choose a larger --image-size, such as 128."),
        ("download them once, with ResNetWeights.Download(", "name them in full as --weights, which downloads them once ("),
        (" (strict: false)", ""),
    ];

    // By the names of the library's properties. Those of a recipe alone keep their names, since its JSON has them.
    private static readonly Dictionary<string, string> Options = new(StringComparer.Ordinal)
    {
        [nameof(ResNetTrainer.Options.LearningRate)] = "--learning-rate",
        [nameof(ResNetTrainer.Options.Epochs)] = "--epochs",
        [nameof(ResNetTrainer.Options.BatchSize)] = "--batch-size",
        [nameof(ResNetTrainer.Options.Architecture)] = "--arch",
        [nameof(ResNetTrainer.Options.InputShape)] = "--image-size",
        [nameof(ResNetTrainer.Options.TrainableLayers)] = "--layers",
        [nameof(ResNetTrainer.Options.InitialWeights)] = "--weights",
        [nameof(TrainingRecipe.EarlyStoppingPatience)] = "--patience",
        [nameof(TrainingRecipe.ClassBalance)] = "--balance",
        [nameof(ResNetTrainer.Options.ValidationFraction)] = "--validation",
        [nameof(ResNetTrainer.Options.CheckpointFolder)] = "--checkpoints",
        [nameof(ResNetTrainer.Options.Resume)] = "--resume",
        [nameof(ResNetTrainer.Options.MaxImagePixels)] = "--max-pixels",
        [nameof(ResNetTrainer.Options.ApplyExifOrientation)] = "--exif-orientation",
        [nameof(ResNetTrainer.Options.MaxDuration)] = "--max-minutes",
        [nameof(ResNetTrainer.Options.Device)] = "--device",
        [nameof(ResNetTrainer.Options.ThreadCount)] = "--threads",
        [nameof(ResNetTrainer.Options.OnBadImage)] = "--on-bad-image",
        [nameof(ResNetTrainer.Options.StreamShards)] = "--stream",
        [nameof(ResNetTrainer.Options.LogFolder)] = "--log",
        [nameof(ResNetTrainer.Options.Seed)] = "--seed",
        [nameof(OnnxExportOptions.FoldBatchNorm)] = "--fold-batch-norm",
    };

    /// <summary>Says what was wrong, by this tool's names, and what this tool can do about it besides.</summary>
    public static string Of(Exception exception)
    {
        var advice = exception.Data["Option"] is nameof(ResNetTrainer.Options.Resume)
            ? " To train a finished model for more epochs, give --more-epochs."
            : "";
        return InPlaceOfApi(ErrorWords.Of(exception)) + advice;
    }

    /// <summary>Replaces the library's names by this tool's.</summary>
    public static string InPlaceOfApi(string message)
    {
        foreach (var (words, typed) in Phrases)
        {
            message = message.Replace(words, typed, StringComparison.Ordinal);
        }

        return Name().Replace(message, match => Options.GetValueOrDefault(match.Value, match.Value));
    }

    // A word of its own; in quotes it is a property of a recipe's JSON, or part of a name that the user gave.
    [GeneratedRegex("""(?<![\w'"/\\.-])[A-Z][a-z]+(?:[A-Z][a-z]+)*(?![\w'"/\\-]| of the training recipe)""")]
    private static partial Regex Name();
}
