namespace Microsoft.ML.ResNet.Files;

/// <summary>Deletes what processes that were killed left behind, and never what a living process has open.</summary>
/// <remarks>
/// Such a file is locked by the process that has it open, and the system frees the locks of a process however it ends: a file that can be
/// opened by one alone is nobody's. A process id in its name would not tell as much: containers that share a disk do not share processes.
/// </remarks>
internal static class Orphans
{
    // Between a file's making and its locking is a moment.
    private static readonly TimeSpan Youngest = TimeSpan.FromSeconds(10);

    // Windows moves and deletes open files only where that is shared, and lets nobody else write all the same.
    private static FileShare Alone => OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;

    /// <summary>Makes a file that is not deleted here as long as it is open.</summary>
    /// <exception cref="IOException">It cannot be made, or is there already.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static FileStream CreateOwned(string path) => new(path, FileMode.CreateNew, FileAccess.Write, Alone);

    /// <summary>Deletes those files that no process has open; what cannot be deleted is left for another time.</summary>
    /// <param name="paths">Files that <see cref="CreateOwned"/> made.</param>
    /// <param name="delete">Deletes a file, and what belongs to it.</param>
    public static void Delete(IEnumerable<string> paths, Action<string> delete)
    {
        if (AppContext.TryGetSwitch("System.IO.DisableFileLocking", out var unlocked) && unlocked)
        {
            return;
        }

        TryOrLeave(() =>
        {
            foreach (var path in paths)
            {
                TryOrLeave(() => DeleteUnowned(path, delete));
            }
        });
    }

    private static void DeleteUnowned(string path, Action<string> delete)
    {
        if (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) >= Youngest)
        {
            using var alone = new FileStream(path, FileMode.Open, FileAccess.Write, Alone);
            delete(path);
        }
    }

    private static void TryOrLeave(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way.
        }
    }
}
