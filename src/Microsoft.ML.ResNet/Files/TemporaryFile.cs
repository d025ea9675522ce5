namespace Microsoft.ML.ResNet.Files;

/// <summary>
/// A file in a folder of its own that only this user can read, deleted on <see cref="Dispose"/>, by the finalizer, when the process
/// exits, or if it is killed, by the next one. ML.NET's OnnxTransformer reads its model from a file, and again from that file when it is
/// saved.
/// </summary>
/// <remarks>Beside the file lies its mark, <c>NAME.owner</c>, which this process has open.</remarks>
internal sealed class TemporaryFile : IDisposable
{
    private const string Folders = "resnet-";
    private const string Mark = ".owner";

    private static readonly Lazy<bool> OrphansDeleted = new(DeleteOrphans);

    private readonly string _folder;
    private readonly FileStream _mark;
    private readonly EventHandler _onExit;

    public TemporaryFile(string name)
    {
        _ = OrphansDeleted.Value;
        _folder = Directory.CreateTempSubdirectory(Folders).FullName;
        Path = System.IO.Path.Combine(_folder, name);
        _mark = Orphans.CreateOwned(Path + Mark);
        _onExit = MakeExitHandler(_folder, _mark);
        AppDomain.CurrentDomain.ProcessExit += _onExit;
    }

    ~TemporaryFile() => Delete();

    public string Path { get; }

    public void Dispose()
    {
        Delete();
        GC.SuppressFinalize(this);
    }

    /// <summary>Deletes the files of processes that were killed. It is done once in a process, before its first file.</summary>
    /// <returns><see langword="true"/>.</returns>
    internal static bool DeleteOrphans()
    {
        var everywhere = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        var marks = Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), $"{Folders}*", everywhere)
            .SelectMany(folder => Directory.EnumerateFiles(folder, $"*{Mark}", everywhere));
        Orphans.Delete(marks, mark =>
        {
            File.Delete(mark[..^Mark.Length]);
            File.Delete(mark);
            Directory.Delete(System.IO.Path.GetDirectoryName(mark)!);
        });
        return true;
    }

    // Static, so that the event does not keep this object from being finalized.
    private static EventHandler MakeExitHandler(string folder, FileStream mark) => (_, _) => TryDelete(folder, mark);

    private void Delete()
    {
        if (_onExit is not null && TryDelete(_folder, _mark))
        {
            AppDomain.CurrentDomain.ProcessExit -= _onExit;
        }
    }

    // A file still open on Windows stays, and is tried again at exit; a temporary file is no reason to fail.
    private static bool TryDelete(string folder, FileStream mark)
    {
        try
        {
            mark.Dispose();
            Directory.Delete(folder, recursive: true);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
