using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Log;

/// <summary>
/// Tells everybody who listens how training goes: ML.NET's log and progress channels, log files, and the user's own callback.
/// </summary>
internal sealed class TrainingReporter : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly ProgressHeader Header = new(
        ["Loss", "Accuracy", "Validation accuracy", "Learning rate", "Images/s"], ["epochs", "steps"]);

    private readonly IChannel _channel;
    private readonly IProgressChannel _progressChannel;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly TrainingLog? _log;
    private TrainingProgress? _last;

    /// <param name="host">Where ML.NET listens.</param>
    /// <param name="progress">The user's callback; null for none.</param>
    /// <param name="logFolder">The folder of log files; null for none.</param>
    public TrainingReporter(IHost host, IProgress<TrainingProgress>? progress, string? logFolder = null)
    {
        _channel = host.Start("Training");
        _progressChannel = host.StartProgressChannel("ResNet training");
        _progress = progress;
        _progressChannel.SetHeader(Header, Fill);
        _log = logFolder is null ? null : new TrainingLog(logFolder, TimeProvider.System, Warn);
    }

    /// <summary>Gets whether nobody is told anything, because another process of the job does.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool IsSilent { get; init; }

    /// <summary>Gets or sets what is in force; null before it is known.</summary>
    public TrainingConditions? Conditions { get; set; }

    public bool IsDue(TimeSpan sinceLast) => sinceLast >= Interval;

    public void Inform(string message)
    {
        if (!IsSilent)
        {
            _channel.Info(MessageSensitivity.None, "{0}", message);
        }
    }

    public void Warn(string message)
    {
        if (!IsSilent)
        {
            _channel.Warning(MessageSensitivity.None, "{0}", message);
        }
    }

    /// <summary>Says what is known before the first step: of a run that goes on, its finished epochs.</summary>
    public void Start(TrainingHistory history) => _log?.Start(history with { Conditions = Conditions });

    /// <summary>Says what came of it all.</summary>
    public void Finish(TrainingHistory history) => _log?.Finish(history);

    public void Report(TrainingProgress progress)
    {
        if (IsSilent)
        {
            return;
        }

        _last = progress;
        _log?.Report(progress);
        if (progress.Finished is { } epoch)
        {
            var results = FormattableString.Invariant(
                $"loss {epoch.Loss:f4}, accuracy {epoch.Accuracy:p2}, validation accuracy {epoch.ValidationAccuracy:p2}");
            var pace = FormattableString.Invariant($"learning rate {epoch.LearningRate:g3}, {epoch.ImagesPerSecond:f0} images/s.");
            Inform($"Epoch {epoch.Epoch}/{progress.Epochs}: {results}, {pace}");
            _progressChannel.Checkpoint(
                epoch.Loss,
                epoch.Accuracy,
                epoch.ValidationAccuracy,
                epoch.LearningRate,
                epoch.ImagesPerSecond,
                epoch.Epoch,
                progress.Step);
        }

        _progress?.Report(progress);
    }

    public void Dispose()
    {
        _log?.Dispose();
        _progressChannel.Dispose();
        _channel.Dispose();
    }

    // Called by ML.NET when it wants to know, from a thread of its own.
    private void Fill(IProgressEntry entry)
    {
        if (_last is not { } last)
        {
            return;
        }

        entry.SetMetric(0, last.Loss);
        entry.SetMetric(1, last.TrainingAccuracy);
        entry.SetMetric(2, last.ValidationAccuracy ?? double.NaN);
        entry.SetMetric(3, last.LearningRate);
        entry.SetMetric(4, last.ImagesPerSecond);
        entry.SetProgress(0, last.Epoch, last.Epochs);
        entry.SetProgress(1, last.Step, last.Steps);
    }
}
