using System.Text.Json;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Something failed, or an image could not be read; standard error says what.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>As a shell has it for Ctrl+C.</summary>
    public const int Stopped = 130;

    /// <summary>Runs a command; what a user can put right is told on standard error, in a line.</summary>
    public static int Of(Terminal terminal, Func<int> command)
    {
        try
        {
            return command();
        }
        catch (OperationCanceledException)
        {
            terminal.Say("Stopped.");
            return Stopped;
        }
        catch (UsageException exception)
        {
            terminal.Say(exception.Message);
            return Usage;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or InvalidOperationException
            or UnauthorizedAccessException or HttpRequestException or TrainingDivergedException or DllNotFoundException or JsonException)
        {
            terminal.SayFailure(OptionNames.Of(exception));
            return Failure;
        }
    }
}

/// <summary>Options that each are right, but do not go together: known only when files were looked at.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>Refuses a command line.</summary>
    public static void ThrowIf(bool isWrong, string message)
    {
        if (isWrong)
        {
            throw new UsageException(message);
        }
    }
}
