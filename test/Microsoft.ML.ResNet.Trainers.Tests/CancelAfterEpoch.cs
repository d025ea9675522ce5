namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>Asks training to stop when an epoch has ended.</summary>
internal sealed class CancelAfterEpoch(int epoch, CancellationTokenSource source) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Finished?.Epoch == epoch)
        {
            source.Cancel();
        }
    }
}
