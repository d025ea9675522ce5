using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>The checkpoints of one run. While it is open, no other process can use the folder.</summary>
internal sealed class CheckpointFolder : IDisposable
{
    private readonly string _path;
    private readonly int _keep;
    private readonly Action<string> _warn;
    private readonly FileStream _lock;
    private readonly HashSet<string> _damaged = [];
    private readonly HashSet<string> _unreadable = [];
    private bool _startsAnew;

    private CheckpointFolder(string path, int keep, bool startsAnew, Action<string> warn, FileStream @lock)
    {
        _path = path;
        _keep = keep;
        _startsAnew = startsAnew;
        _warn = warn;
        _lock = @lock;
    }

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder; it is made if it does not exist.</param>
    /// <param name="keep">How many checkpoints are kept.</param>
    /// <param name="resume">Whether there may, must or must not be one to go on from.</param>
    /// <param name="warn">Called with a warning for each checkpoint that cannot be read.</param>
    /// <exception cref="IOException">The folder cannot be made, or is another process's.</exception>
    /// <exception cref="InvalidOperationException">There must be a checkpoint, but there is none.</exception>
    public static CheckpointFolder Open(string path, int keep, Resume resume, Action<string> warn)
    {
        if (resume == Resume.Required && !Directory.Exists(path))
        {
            throw NoCheckpoint(path); // and no folder is made
        }

        var folder = new CheckpointFolder(path, keep, resume == Resume.Never, warn, Lock(path));
        foreach (var leftover in Directory.EnumerateFiles(path, CheckpointFile.Unfinished))
        {
            TryDelete(leftover);
        }

        if (resume == Resume.Required && CheckpointFile.List(path).Length == 0)
        {
            folder.Dispose();
            throw NoCheckpoint(path);
        }

        return folder;
    }

    /// <summary>Gets the folder's path.</summary>
    public string FolderPath => _path;

    /// <summary>Reads the newest checkpoint that can be read.</summary>
    /// <returns>The checkpoint; null if there is none to go on from.</returns>
    public Checkpoint? ReadNewest() => Newest(_ => true, _warn);

    /// <summary>Reads the newest checkpoint at the end of an epoch.</summary>
    /// <returns>The checkpoint; null if there is none.</returns>
    public Checkpoint? ReadNewestEpoch() => Newest(file => file.Epoch is not null, _ => { });

    /// <summary>Writes a checkpoint: it appears whole, or not at all. Then deletes those that are no longer kept.</summary>
    /// <exception cref="IOException">It cannot be written; those before it are intact.</exception>
    public void Write(Checkpoint checkpoint)
    {
        var file = CheckpointFile.Of(_path, checkpoint.State);
        if (_unreadable.Remove(file.Path))
        {
            TryDelete(file.Path); // else a link would be written through, and a pipe refused
        }

        try
        {
            WholeFile.Write(file.Path, checkpoint.Write);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"Checkpoint '{file.Path}' cannot be written: {exception.Message} "
                + "The checkpoints before it are intact; make room and train again to go on from the newest.",
                exception);
        }

        DeleteOthers(file, checkpoint.State.Best.Best?.Epoch);
    }

    public void Dispose() => _lock.Dispose();

    private static InvalidOperationException NoCheckpoint(string path) =>
        new($"Checkpoint folder '{path}' holds no checkpoint, but Resume is Required. Correct CheckpointFolder, or set Resume to Auto.");

    private static FileStream Lock(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            return new FileStream(
                Path.Combine(path, "lock"),
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None,
                bufferSize: 1,
                FileOptions.DeleteOnClose);
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            throw new IOException(
                $"Checkpoint folder '{path}' is used by another training run, or cannot be written to: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"Checkpoint folder '{path}' cannot be made or written to: {exception.Message} Give another CheckpointFolder.",
                exception);
        }
    }

    private Checkpoint? Newest(Func<CheckpointFile, bool> wanted, Action<string> warn)
    {
        foreach (var file in _startsAnew ? [] : CheckpointFile.List(_path).Where(wanted).Reverse())
        {
            try
            {
                return Checkpoint.Read(file.Path);
            }
            catch (InvalidDataException exception)
            {
                _damaged.Add(file.Path);
                warn($"Checkpoint '{file.Path}' is damaged and passed over: {exception.Message.TrimEnd('.')}.");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _unreadable.Add(file.Path);
                warn($"Checkpoint '{file.Path}' cannot be read and is passed over: {exception.Message.TrimEnd('.')}.");
            }
        }

        return null;
    }

    // Kept are the newest ones, the newest at the end of an epoch, and that of the best epoch. Damaged ones are none of these. Nor are
    // those that could not be read; but they stay: the fault may be the disk's or the user's, and pass.
    private void DeleteOthers(CheckpointFile newest, int? bestEpoch)
    {
        _damaged.Remove(newest.Path); // it was written anew
        var others = CheckpointFile.List(_path).Where(file => file.Path != newest.Path && !_unreadable.Contains(file.Path)).ToArray();
        var sound = others.Where(file => !_damaged.Contains(file.Path)).ToArray();
        var kept = new HashSet<CheckpointFile>();
        if (!_startsAnew)
        {
            kept.UnionWith(sound.TakeLast(_keep - 1));
            kept.UnionWith(sound.Where(file => file.Epoch is not null).TakeLast(newest.Epoch is null ? 1 : 0));
            kept.UnionWith(sound.Where(file => bestEpoch is not null && file.Epoch == bestEpoch));
        }

        _startsAnew = false;
        foreach (var file in others.Except(kept))
        {
            TryDelete(file.Path);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way.
        }
    }
}
