using System.Globalization;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace Cli;

/// <summary>Shows how training goes: a line for each epoch, and where there is a terminal, a bar below them.</summary>
internal sealed class EpochProgress(Terminal terminal, ProgressTask? bar) : IProgress<TrainingProgress>
{
    /// <summary>Gets whether anything was trained.</summary>
    public bool IsTrained { get; private set; }

    public void Report(TrainingProgress value)
    {
        IsTrained = true;
        var line = string.Create(CultureInfo.InvariantCulture,
            $"epoch {value.Epoch}/{value.Epochs}: loss {Loss(value.Loss)}, accuracy "
            + $"{value.TrainingAccuracy:p1}{(value.ValidationAccuracy is { } accuracy ? $", validation {accuracy:p1}" : "")}, "
            + $"{value.ImagesPerSecond:f0} images/s");
        if (value.Finished is not null)
        {
            terminal.Say(line);
        }

        if (bar is not null)
        {
            (bar.MaxValue, bar.Value, bar.Description) = (value.Steps, value.Step, line);
        }
    }

    // A loss that ran away has twenty digits.
    private static string Loss(double loss) => loss.ToString(loss < 1000 ? "f3" : "0.0e+0", CultureInfo.InvariantCulture);
}
