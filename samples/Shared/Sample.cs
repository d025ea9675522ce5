using System.CommandLine;
using System.Data.Common;
using Microsoft.ML.ResNet.Trainers;

namespace Samples;

/// <summary>Runs a sample: what a user can put right is told on standard error, in a line.</summary>
internal static class Sample
{
    public static Task<int> Run(RootCommand command, string[] args, Action<ParseResult, CancellationToken> action)
    {
        // On another thread: System.CommandLine listens for Ctrl+C only once this one is back.
        command.SetAction(
            (arguments, cancellation) => Task.Run(() => ExitCode(() => action(arguments, cancellation)), CancellationToken.None));
        return CommandLine.Invoke(command, args);
    }

    private static int ExitCode(Action action)
    {
        try
        {
            action();
            return 0;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Stopped.");
            return 130;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or IOException or InvalidDataException
            or InvalidOperationException or UnauthorizedAccessException or HttpRequestException
            or DbException or TrainingDivergedException or DllNotFoundException)
        {
            Console.Error.WriteLine(ErrorWords.Of(exception));
            return 1;
        }
    }
}
