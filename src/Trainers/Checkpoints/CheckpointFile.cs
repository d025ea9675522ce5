using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>
/// A checkpoint's name: <c>checkpoint-0000001234.safetensors</c> within an epoch, <c>checkpoint-0000001173-epoch3.safetensors</c> at the
/// end of one.
/// </summary>
/// <param name="Path">Where it is.</param>
/// <param name="Step">The steps taken.</param>
/// <param name="Epoch">The epoch that it ends; null within one.</param>
internal sealed partial record CheckpointFile(string Path, long Step, int? Epoch)
{
    /// <summary>The pattern of unfinished files, which remain if the process is killed while it writes.</summary>
    public const string Unfinished = "checkpoint-*.safetensors*.tmp";

    private const string Pattern = "checkpoint-*.safetensors";

    public static CheckpointFile Of(string folder, TrainingState state)
    {
        var epoch = state.Batch == 0 ? state.Epochs.Length : (int?)null;
        var name = epoch is null ? $"checkpoint-{state.Step:d10}.safetensors" : $"checkpoint-{state.Step:d10}-epoch{epoch}.safetensors";
        return new CheckpointFile(System.IO.Path.Combine(folder, name), state.Step, epoch);
    }

    /// <summary>Lists those in a folder, in the order in which they were written.</summary>
    public static CheckpointFile[] List(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, Pattern)
            .Select(Parse)
            .OfType<CheckpointFile>()
            .OrderBy(file => file.Step)
            .ThenBy(file => file.Epoch is not null),
    ];

    private static CheckpointFile? Parse(string path) =>
        Name().Match(System.IO.Path.GetFileName(path)) is { Success: true } name
            ? new CheckpointFile(path, long.Parse(name.Groups["step"].Value, CultureInfo.InvariantCulture),
                name.Groups["epoch"] is { Success: true } epoch ? int.Parse(epoch.Value, CultureInfo.InvariantCulture) : null)
            : null;

    [GeneratedRegex(@"\Acheckpoint-(?<step>[0-9]{10,18})(-epoch(?<epoch>[0-9]{1,9}))?\.safetensors\z")]
    private static partial Regex Name();
}
