using System.Diagnostics;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Samples;

/// <summary>Runs a sample as a user does: in a process of its own.</summary>
internal static class SampleProcess
{
    public static (int ExitCode, string Output, string Error) Run(string sample, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Assembly(sample), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>Runs a sample and asks it to stop when something has happened, as Ctrl+C does; but by SIGTERM, since a process in the background may ignore SIGINT.</summary>
    public static (int ExitCode, string Output, string Error) Interrupt(string sample, Func<bool> happened, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Assembly(sample), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        while (!happened() && !process.HasExited)
        {
            Thread.Sleep(20);
        }

        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }

    public static string Folder(string sample) => Path.GetDirectoryName(Assembly(sample))!;

    // Built with the tests, and so in the same configuration: …/bin/Release/net10.0.
    public static string Assembly(string program, string folder = "samples")
    {
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(Repository.Root, folder, program, "bin", framework.Parent!.Name, framework.Name, $"{program}.dll");
    }
}
