using WebApp.Training;

namespace WebApp.Models;

/// <summary>
/// Trains a model if there is none, loads it, and loads it again whenever its file has changed. A file that cannot be loaded changes
/// nothing but the status: the model before it goes on answering.
/// </summary>
internal sealed class ModelLoader(ServiceOptions options, CurrentModel current, QuickStartTrainer trainer, TimeProvider time,
    IHostApplicationLifetime lifetime, ILogger<ModelLoader> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The page can show what goes on from then on; and for a service that cannot listen, nothing is trained.
        if (!await IsListeningAsync(stoppingToken))
        {
            return;
        }

        if (!File.Exists(options.ModelPath) && !await TrainAsync(stoppingToken))
        {
            return;
        }

        var before = FileStamp.Of(options.ModelPath);
        FileStamp? tried = null;
        using var timer = new PeriodicTimer(options.ModelPollInterval, time);
        do
        {
            // A file that is just being written is not the same at two looks.
            var now = FileStamp.Of(options.ModelPath);
            if (now is not null && now == before && now != tried)
            {
                tried = now;
                await LoadAsync(stoppingToken);
            }

            before = now;
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    // Waits for the host: true once it listens, and false if it ends without.
    private async Task<bool> IsListeningAsync(CancellationToken stopping)
    {
        var listens = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var started = lifetime.ApplicationStarted.Register(() => listens.TrySetResult(true));
        await using var ended = stopping.Register(() => listens.TrySetResult(false));
        return await listens.Task;
    }

    private async Task<bool> TrainAsync(CancellationToken stopping)
    {
        try
        {
            await trainer.TrainAsync(options.ModelPath, options.Data, status => current.Status = status, stopping);
            current.Status = new ModelStatus(ModelState.Loading);
            return true;
        }
        catch (Exception exception) when (exception is TrainingFailedException or IOException or UnauthorizedAccessException)
        {
            log.NotTrained(options.ModelPath, exception.Message);
            current.Status = new ModelStatus(ModelState.Failed, PublicReason.Of(exception));
            return false;
        }
    }

    private async Task LoadAsync(CancellationToken stopping)
    {
        try
        {
            var file = await ModelFile.ReadAsync(options.ModelPath, options.MaxModelBytes, stopping);
            var classifier = Classifier.Load(file, options.Engines);
            current.Replace(new LoadedModel(classifier, Path.GetFileName(options.ModelPath), file.Length, time.GetUtcNow()));
            log.Loaded(options.ModelPath, classifier.Version, classifier.ClassNames.Length);
        }
        catch (Exception exception) when (exception is not OperationCanceledException) // the model before it goes on answering
        {
            log.NotLoaded(options.ModelPath, exception.Message);
            var message = $"The model file cannot be loaded: {PublicReason.Of(exception)}";
            current.Status = current.Status.Status == ModelState.Ready
                ? new ModelStatus(ModelState.Ready, message)
                : new ModelStatus(ModelState.Failed, message);
        }
    }
}
