namespace Microsoft.ML.ResNet.Files;

/// <summary>
/// A file in a folder of its own that only this user can read, deleted on <see cref="Dispose"/>, by the finalizer, or when the process
/// exits. ML.NET's OnnxTransformer reads its model from a file, and again from that file when it is saved.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly string _folder;
    private readonly EventHandler _onExit;

    public TemporaryFile(string name)
    {
        _folder = Directory.CreateTempSubdirectory("resnet-").FullName;
        Path = System.IO.Path.Combine(_folder, name);
        _onExit = MakeExitHandler(_folder);
        AppDomain.CurrentDomain.ProcessExit += _onExit;
    }

    ~TemporaryFile() => Delete();

    public string Path { get; }

    public void Dispose()
    {
        Delete();
        GC.SuppressFinalize(this);
    }

    // Static, so that the event does not keep this object from being finalized.
    private static EventHandler MakeExitHandler(string folder) => (_, _) => TryDelete(folder);

    private void Delete()
    {
        if (TryDelete(_folder))
        {
            AppDomain.CurrentDomain.ProcessExit -= _onExit;
        }
    }

    // A file still open on Windows stays, and is tried again at exit; a temporary file is no reason to fail.
    private static bool TryDelete(string folder)
    {
        try
        {
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
