namespace WebApp.Models;

/// <summary>A request's hold on the model that answers it, however often the file is replaced meanwhile.</summary>
internal sealed class ModelLease(LoadedModel model) : IDisposable
{
    private int _disposed;

    public LoadedModel Model { get; } = model;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Model.Classifier.Release();
        }
    }
}
