using System.Text.RegularExpressions;

namespace Cli;

/// <summary>The library names its own options in its messages; this tool says what to type instead.</summary>
internal static partial class OptionNames
{
    // Longer ones first: what they hold must not be replaced before. Properties of a recipe keep their names, since its JSON has them.
    private static readonly (string Words, string Typed)[] Phrases =
    [
        ("Restore what was changed, give another CheckpointFolder, or set Resume to Never to start anew.",
            "Restore what was changed, give another folder with --checkpoints, or start anew with --resume Never. "
            + "To train a finished model for more epochs, give --more-epochs."),
        ("but Resume is Required. Correct CheckpointFolder, or set Resume to Auto.",
            "but --resume is Required. Correct --checkpoints, or leave out --resume."),
        ("Raise CacheBytes, or set CheckpointFolder to a folder on a larger disk.", "Give --checkpoints a folder on a larger disk."),
        ("Raise CacheBytes, make room on the disk, or set CheckpointFolder to a folder on a larger one.",
            "Make room on the disk, or give --checkpoints a folder on a larger one."),
        ("Give validation data to Fit, or set ValidationFraction above 0.", "Give --validation a folder, or a share above 0."),
        ("Set ApplyExifOrientation to train", "Give --exif-orientation to train"),
        ("Give a CheckpointFolder that can.", "Give --checkpoints a folder that can."),
        ("Give a larger input shape", "Give a larger --image-size"),
        ("as an ONNX export with FoldBatchNorm writes it", "as 'export --fold-batch-norm' writes it"),
        ("or export it without FoldBatchNorm", "or export it without --fold-batch-norm"),
        ("to go without it, pass strict: false.", "features can be had without it."),
        ("MaxDuration of ", "The time of --max-minutes, "),
    ];

    private static readonly Dictionary<string, string> Options = new(StringComparer.Ordinal)
    {
        ["LearningRate"] = "--learning-rate",
        ["Epochs"] = "--epochs",
        ["BatchSize"] = "--batch-size",
        ["Architecture"] = "--arch",
        ["TrainableLayers"] = "--layers",
        ["InitialWeights"] = "--weights",
        ["EarlyStoppingPatience"] = "--patience",
        ["ClassBalance"] = "--balance",
        ["CheckpointFolder"] = "--checkpoints",
        ["MaxImagePixels"] = "--max-pixels",
        ["MaxDuration"] = "--max-minutes",
        ["ThreadCount"] = "--threads",
        ["OnBadImage"] = "--on-bad-image",
        ["LogFolder"] = "--log",
        ["Seed"] = "--seed",
    };

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
