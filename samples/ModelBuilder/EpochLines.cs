using System.Globalization;
using Microsoft.ML.ResNet.Trainers;

namespace ModelBuilder;

/// <summary>Writes a line for each epoch.</summary>
internal sealed class EpochLines : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Finished is { } epoch)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"epoch {epoch.Epoch}/{value.Epochs}: loss {epoch.Loss:f3}, accuracy {epoch.Accuracy:p1}"));
        }
    }
}
