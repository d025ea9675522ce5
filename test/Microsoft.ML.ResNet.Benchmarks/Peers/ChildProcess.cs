using System.Diagnostics;
using System.Text.Json;
using Benchmarks.Report;

namespace Benchmarks.Peers;

/// <summary>A process that prints its result as its last line, in JSON.</summary>
internal static class ChildProcess
{
    /// <summary>Makes a start of this program, however it was started itself.</summary>
    public static ProcessStartInfo Self(IEnumerable<string> arguments)
    {
        var program = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? new ProcessStartInfo(
                program, [Path.Combine(AppContext.BaseDirectory, $"{typeof(ChildProcess).Assembly.GetName().Name}.dll"), .. arguments])
            : new ProcessStartInfo(program, arguments);
    }

    /// <summary>Runs a process to its end.</summary>
    /// <param name="name">What to call it where it fails.</param>
    /// <param name="start">The program and its arguments.</param>
    /// <returns>Its result; null if it failed.</returns>
    public static TResult? Run<TResult>(string name, ProcessStartInfo start)
        where TResult : class
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 0 && output.Split('\n', StringSplitOptions.RemoveEmptyEntries) is [.., var last])
        {
            return JsonSerializer.Deserialize<TResult>(last)!;
        }

        Output.Say($"{name} failed with exit code {process.ExitCode}: {string.Join('\n', error.Result.Split('\n').TakeLast(15))}");
        return null;
    }
}
