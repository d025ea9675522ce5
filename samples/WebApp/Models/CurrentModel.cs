namespace WebApp.Models;

/// <summary>The model that requests are answered with, and what there is to say while there is none.</summary>
internal sealed class CurrentModel : IDisposable
{
    private LoadedModel? _model;
    private ModelStatus _status = new(ModelState.Loading);

    public ModelStatus Status
    {
        get => Volatile.Read(ref _status);
        set => Volatile.Write(ref _status, value);
    }

    /// <summary>Takes hold of the model for one request.</summary>
    /// <returns>The model, to be disposed when the request is answered; null while there is none.</returns>
    public ModelLease? TryTake()
    {
        while (Volatile.Read(ref _model) is { } model)
        {
            // False only if it was replaced, and disposed, since the line above.
            if (model.Classifier.TryAddReference())
            {
                return new ModelLease(model);
            }
        }

        return null;
    }

    /// <summary>Puts a model in place of the one before, which is disposed when its last request has been answered.</summary>
    public void Replace(LoadedModel? next)
    {
        Interlocked.Exchange(ref _model, next)?.Classifier.Release();
        Status = new ModelStatus(next is null ? ModelState.Loading : ModelState.Ready);
    }

    public void Dispose() => Replace(null);
}
