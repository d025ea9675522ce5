namespace Cli;

/// <summary>Looks for the checkpoints of a run.</summary>
internal static class CheckpointFiles
{
    /// <summary>Tells whether a folder has any.</summary>
    public static bool Exist(string? folder) => Directory.Exists(folder)
        && Directory.EnumerateFiles(folder, "checkpoint-*.safetensors").Any();
}
