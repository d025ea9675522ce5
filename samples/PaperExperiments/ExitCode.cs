using System.Text.Json;
using Microsoft.ML.ResNet.Trainers;

namespace PaperExperiments;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int Stopped = 130; // as a shell has it for Ctrl+C

    /// <summary>Runs a command; what a user can put right is told on standard error, in a line.</summary>
    public static int Of(Func<int> command)
    {
        try
        {
            return command();
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Stopped.");
            return Stopped;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or InvalidOperationException
            or UnauthorizedAccessException or TrainingDivergedException or DllNotFoundException or JsonException)
        {
            Console.Error.WriteLine(exception.Message);
            return Failure;
        }
    }
}
