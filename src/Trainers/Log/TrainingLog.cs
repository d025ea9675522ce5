namespace Microsoft.ML.ResNet.Trainers.Log;

/// <summary>
/// Writes how training goes into a folder, while it goes: <c>history.json</c> and <c>history.csv</c>, rewritten whole after every epoch,
/// and event files for TensorBoard, of two runs, <c>train</c> and <c>validation</c>, so that it draws both curves in one chart.
/// </summary>
/// <remarks>A disk that fills up costs the log and not the training: the first failure is told, and nothing more is written.</remarks>
internal sealed class TrainingLog : IDisposable
{
    private readonly string _folder;
    private readonly Action<string> _warn;
    private readonly EventFile _training;
    private readonly EventFile _validation;
    private TrainingHistory _history = new();
    private bool _failed;

    /// <summary>Makes the folder and starts the event files.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="time">The clock of the event files.</param>
    /// <param name="warn">Who is told if writing fails later.</param>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public TrainingLog(string folder, TimeProvider time, Action<string> warn)
    {
        _folder = folder;
        _warn = warn;
        _training = new EventFile(Path.Combine(folder, "train"), time);
        _validation = new EventFile(Path.Combine(folder, "validation"), time);
    }

    /// <summary>
    /// Says what is known before the first report: of a resumed run, its finished epochs. What an earlier run logged after them is
    /// replaced.
    /// </summary>
    public void Start(TrainingHistory history) => Try(() =>
    {
        var nextStep = history.Epochs.IsEmpty ? 0 : history.Epochs[^1].Step + 1;
        _training.StartAt(nextStep);
        _validation.StartAt(nextStep);
        Save(history);
    });

    /// <summary>Logs a report.</summary>
    public void Report(TrainingProgress progress) => Try(() =>
    {
        if (progress.Finished is { } epoch)
        {
            AddEpoch(progress.Step, epoch);
            Save(_history with { Epochs = _history.Epochs.Add(epoch) });
            return;
        }

        _training.Add(
            progress.Step,
            ("step/loss", progress.Loss),
            ("step/accuracy", progress.TrainingAccuracy),
            ("step/learning_rate", progress.LearningRate),
            ("step/images_per_second", progress.ImagesPerSecond));
    });

    /// <summary>Writes what is only known in the end, such as why training stopped.</summary>
    public void Finish(TrainingHistory history) => Try(() => Save(history));

    public void Dispose()
    {
        _training.Dispose();
        _validation.Dispose();
    }

    private void AddEpoch(long step, EpochResult epoch)
    {
        _training.Add(
            step,
            ("epoch/loss", epoch.Loss),
            ("epoch/accuracy", epoch.Accuracy),
            ("epoch/learning_rate", epoch.LearningRate),
            ("epoch/images_per_second", epoch.ImagesPerSecond));
        if (epoch is { ValidationLoss: { } loss, ValidationAccuracy: { } accuracy })
        {
            _validation.Add(step, ("epoch/loss", loss), ("epoch/accuracy", accuracy));
        }
    }

    private void Save(TrainingHistory history)
    {
        _history = history;
        history.SaveJson(Path.Combine(_folder, "history.json"));
        history.SaveCsv(Path.Combine(_folder, "history.csv"));
    }

    private void Try(Action write)
    {
        if (_failed)
        {
            return;
        }

        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _failed = true;
            _warn($"The training log in '{_folder}' stops here, and training goes on: {exception.Message}");
        }
    }
}
