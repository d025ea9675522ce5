using System.Diagnostics;
using System.Text;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

/// <summary>
/// Runs command lines of the tool one after another in one process: a new one spends a second and more on its start, many times what the
/// commands themselves take.
/// </summary>
internal static class SharedTool
{
    private static readonly string s_tool = SampleProcess.Assembly("Cli", "resnet");
    private static readonly HashSet<string> s_ranAlone = [];
    private static readonly Lock s_gate = new();
    private static Process? s_process;

    /// <summary>Runs a command line to its end.</summary>
    public static ProcessResult Run(string[] arguments, byte[]? input = null, string? folder = null)
    {
        lock (s_gate)
        {
            return OperatingSystem.IsWindows()
                ? SampleProcess.Run("dotnet", [s_tool, .. arguments], input, folder)
                : Ask(arguments, input ?? [], folder ?? Environment.CurrentDirectory);
        }
    }

    /// <summary>Runs a command line as a user does, in a process of its own, until its command has succeeded once; then here.</summary>
    public static ProcessResult RunFirstAlone(string[] arguments, byte[]? input = null, string? folder = null)
    {
        if (s_ranAlone.Contains(arguments[0]))
        {
            return Run(arguments, input, folder);
        }

        var result = SampleProcess.Run("dotnet", [s_tool, .. arguments], input, folder);
        if (result.ExitCode == 0)
        {
            s_ranAlone.Add(arguments[0]);
        }

        return result;
    }

    // It ends when these tests do, for nothing comes from its standard input any more.
    private static ProcessResult Ask(string[] arguments, byte[] input, string folder)
    {
        s_process ??= SampleProcess.Start("dotnet", [s_tool], folder: null, ("DOTNET_STARTUP_HOOKS", typeof(SharedTool).Assembly.Location));
        using var requests = new BinaryWriter(s_process.StandardInput.BaseStream, Encoding.UTF8, leaveOpen: true);
        requests.Write(arguments.Length);
        foreach (var argument in arguments)
        {
            requests.Write(argument);
        }

        requests.Write(folder);
        requests.Write(input.Length);
        requests.Write(input);
        requests.Flush();

        using var replies = new BinaryReader(s_process.StandardOutput.BaseStream, Encoding.UTF8, leaveOpen: true);
        try
        {
            return new ProcessResult(replies.ReadInt32(), ReadText(replies), ReadText(replies));
        }
        catch (EndOfStreamException)
        {
            var said = s_process.StandardError.ReadToEnd();
            s_process = null; // the next command gets another
            throw new IOException($"The tool's process ended at 'resnet {string.Join(' ', arguments)}'. {said}");
        }
    }

    private static string ReadText(BinaryReader reader) => Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadInt32()));
}
