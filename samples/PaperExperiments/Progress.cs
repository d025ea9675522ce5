using System.Globalization;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace PaperExperiments;

/// <summary>A bar while something runs; where output is no terminal, a line for each epoch.</summary>
internal static class Progress
{
    public static TResult Run<TResult>(string description, Func<IProgress<TrainingProgress>, TResult> run) =>
        Run(description, task => run(new TrainingReport(description.Split(':')[0], task)));

    public static TResult Run<TResult>(string description, Func<IProgress<double>, TResult> run) =>
        Run(description, task => run(new Share(task)));

    private static TResult Run<TResult>(string description, Func<ProgressTask?, TResult> run) =>
        AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected
            ? AnsiConsole.Progress()
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(),
                    new PercentageColumn(), new RemainingTimeColumn())
                .Start(bar => run(bar.AddTask(description)))
            : run(null);

    private sealed class TrainingReport(string name, ProgressTask? task) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            var line = string.Create(CultureInfo.InvariantCulture,
                $"{name}: epoch {value.Epoch}/{value.Epochs}, loss {value.Loss:f3}, training error {1 - value.TrainingAccuracy:p1}"
                + $"{(value.ValidationAccuracy is { } test ? $", test error {1 - test:p1}" : "")}, {value.ImagesPerSecond:f0} images/s");
            if (task is not null)
            {
                (task.MaxValue, task.Value, task.Description) = (value.Steps, value.Step, line);
            }
            else if (value.Finished is not null)
            {
                Console.WriteLine(line);
            }
        }
    }

    private sealed class Share(ProgressTask? task) : IProgress<double>
    {
        public void Report(double value) => task?.Value = 100 * value;
    }
}
