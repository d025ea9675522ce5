using System.Globalization;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace Cli;

/// <summary>Shows how training goes: on a bar, or where there is no terminal, as a line for each epoch.</summary>
internal sealed class EpochProgress(Terminal terminal, ProgressTask? bar) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        var line = string.Create(CultureInfo.InvariantCulture,
            $"epoch {value.Epoch}/{value.Epochs}: loss {value.Loss:f3}, accuracy {value.TrainingAccuracy:p1}{(value.ValidationAccuracy is { } accuracy ? $", validation {accuracy:p1}" : "")}, {value.ImagesPerSecond:f0} images/s");
        if (bar is not null)
        {
            (bar.MaxValue, bar.Value, bar.Description) = (value.Steps, value.Step, line);
        }
        else if (value.Finished is not null)
        {
            terminal.Say(line);
        }
    }
}
