using System.Diagnostics;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>Runs a sample as a user does: in a process of its own, which does not know if this is a build server.</summary>
internal static class SampleProcess
{
    // There ONNX Runtime sends no telemetry, and the console library writes colours into pipes.
    private static readonly string[] BuildServers =
    [
        "CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "CODEBUILD_BUILD_ID", "BUILDKITE",
        "TEAMCITY_VERSION", "APPVEYOR", "BITBUCKET_BUILD_NUMBER",
    ];

    /// <summary>Gets the configuration that the tests and the samples were built in.</summary>
    public static string Configuration { get; } = Framework.Parent!.Name;

    // A shell starts its background jobs with SIGINT ignored, and so are all processes that they start.
    private static bool IsInterruptIgnored =>
        File.Exists("/proc/self/status") && File.ReadLines("/proc/self/status")
            .Any(line => line.StartsWith("SigIgn:", StringComparison.Ordinal) && (Convert.ToInt64(line[7..].Trim(), 16) & 2) != 0);

    private static DirectoryInfo Framework => new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    /// <summary>Gets the path of a program's assembly: samples/NAME/bin/Release/net10.0/ASSEMBLY.dll.</summary>
    public static string Assembly(string program, string? assembly = null, string folder = "samples") =>
        Path.Combine(Repository.Root, folder, program, "bin", Configuration, Framework.Name, $"{assembly ?? program}.dll");

    /// <summary>Gets the folder that a sample was built into.</summary>
    public static string Folder(string sample) => Path.GetDirectoryName(Assembly(sample))!;

    /// <summary>Runs a sample to its end.</summary>
    public static ProcessResult RunSample(string sample, params string[] arguments) => Run("dotnet", [Assembly(sample), .. arguments]);

    /// <summary>Runs a program to its end.</summary>
    public static ProcessResult Run(string program, IEnumerable<string> arguments, byte[]? input = null, string? folder = null,
        params (string Name, string? Value)[] environment)
    {
        using var process = Start(program, arguments, folder, environment);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using (process.StandardInput)
        {
            process.StandardInput.BaseStream.Write(input ?? []);
        }

        process.WaitForExit();
        return new ProcessResult(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>
    /// Runs a program, and presses Ctrl+C when something has happened; where that is ignored, asks it
    /// to terminate, which programs take as the same.
    /// </summary>
    public static ProcessResult Interrupt(string program, IEnumerable<string> arguments, Func<bool> happened)
    {
        using var process = Start(program, arguments, folder: null);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        while (!happened() && !process.HasExited)
        {
            Thread.Sleep(20);
        }

        using var kill = Process.Start("kill", [IsInterruptIgnored ? "-TERM" : "-INT", $"{process.Id}"]);
        process.WaitForExit();
        return new ProcessResult(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts a program, whose standard files are the caller's to write and to read.</summary>
    public static Process Start(
        string program, IEnumerable<string> arguments, string? folder, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        foreach (var name in BuildServers)
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
