using System.Globalization;
using Microsoft.ML.ResNet.Trainers;

namespace Samples;

/// <summary>Writes a line for each epoch.</summary>
internal sealed class EpochLines : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Finished is { } epoch)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"epoch {epoch.Epoch}/{value.Epochs}: loss {epoch.Loss:f3}, accuracy {epoch.Accuracy:p1}{(epoch.ValidationAccuracy is { } validation ? $", validation {validation:p1}" : "")}, {epoch.ImagesPerSecond:f0} images/s"));
        }
    }
}
