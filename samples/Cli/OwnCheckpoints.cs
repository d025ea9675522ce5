using System.Text.RegularExpressions;

namespace Cli;

/// <summary>
/// The folder of checkpoints beside a model, MODEL.checkpoints. It is deleted when the model is saved, if this tool made it and nobody put
/// anything else there.
/// </summary>
internal sealed partial class OwnCheckpoints : IDisposable
{
    private const string MarkName = "made-by-resnet-train";

    private OwnCheckpoints(string path) => Path = path;

    /// <summary>Gets the folder.</summary>
    public string Path { get; }

    private string Mark => System.IO.Path.Combine(Path, MarkName);

    /// <summary>Gets the name of the folder beside a model.</summary>
    public static string FolderOf(string model) => $"{model}.checkpoints";

    /// <summary>Makes the folder, or takes what is there: an empty one is this tool's from now on.</summary>
    public static OwnCheckpoints Beside(string model)
    {
        var folder = new OwnCheckpoints(FolderOf(model));
        if (!Directory.Exists(folder.Path) || !Directory.EnumerateFileSystemEntries(folder.Path).Any())
        {
            Directory.CreateDirectory(folder.Path);
            File.WriteAllBytes(folder.Mark, []);
        }

        return folder;
    }

    /// <summary>Deletes the checkpoints, where the folder bears this tool's mark.</summary>
    public void DeleteFiles(Terminal terminal)
    {
        if (!File.Exists(Mark))
        {
            terminal.Say($"Checkpoints are left in '{Path}': the folder was there before.");
            return;
        }

        foreach (var file in Directory.GetFiles(Path).Where(file => CheckpointName().IsMatch(System.IO.Path.GetFileName(file))))
        {
            File.Delete(file);
        }
    }

    /// <summary>Deletes the folder, if it bears this tool's mark and holds nothing else.</summary>
    public void Dispose()
    {
        if (File.Exists(Mark) && Directory.EnumerateFileSystemEntries(Path).Take(2).Count() == 1)
        {
            File.Delete(Mark);
            Directory.Delete(Path);
        }
    }

    [GeneratedRegex(@"\Acheckpoint-[0-9]{10,18}(-epoch[0-9]{1,9})?\.safetensors\z")]
    private static partial Regex CheckpointName();
}
