using System.Diagnostics;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>Makes pipes with a name, whose opening waits for somebody at the other end.</summary>
internal static class Fifo
{
    /// <summary>Makes one; skips the test where there are none.</summary>
    public static string Make(string path)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no pipes in folders.");
        using var process = Process.Start("mkfifo", [path]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return path;
    }
}
