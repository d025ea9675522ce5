using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Benchmarks.Peers;

/// <summary>PyTorch for Python, where it is installed.</summary>
internal static class PyTorch
{
    private static readonly Lazy<(string Interpreter, string Version)?> Installed = new(Find);

    /// <summary>Gets PyTorch's version; null if there is none.</summary>
    public static string? Version => Installed.Value?.Version;

    /// <summary>Trains the same network, from random images in memory.</summary>
    /// <returns>The rate of the best layout and type; null where there is no PyTorch, or it failed.</returns>
    public static TrainingRate? Train(TrainingWork work)
    {
        if (Installed.Value is not { } python)
        {
            return null;
        }

        var architecture = ResNetArchitecture.Parse(work.Architecture);
        var arguments = JsonSerializer.Serialize(new
        {
            depths = architecture.Depths,
            width = architecture.BaseWidth,
            bottleneck = architecture.Block == BlockKind.Bottleneck,
            small = architecture.Stem == StemKind.SmallImage,
            projection = architecture.Shortcut == ShortcutKind.B,
            classes = work.Classes,
            size = work.ImageSize,
            batch = work.BatchSize,
            threads = work.Threads,
            warmup = work.WarmUp,
            seconds = work.Seconds,
        });
        var rate = ChildProcess.Run<TrainingRate>(
            "PyTorch", new ProcessStartInfo(python.Interpreter, [Path.Combine(AppContext.BaseDirectory, "Peers", "train.py"), arguments]));
        return rate is null || rate.Parameters == work.Plan.ParameterCount
            ? rate
            : throw new InvalidOperationException(
                $"PyTorch's {work.Architecture} has {rate.Parameters} parameters, not {work.Plan.ParameterCount}: it is another network.");
    }

    private static (string Interpreter, string Version)? Find()
    {
        foreach (var interpreter in (string[])["python3", "/usr/bin/python3", "python"])
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(interpreter, ["-c", "import torch; print(torch.__version__)"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
                var version = process.StandardOutput.ReadToEnd().Trim();
                process.WaitForExit();
                if (process.ExitCode == 0)
                {
                    return (interpreter, version);
                }
            }
            catch (Win32Exception)
            {
                // There is no such program.
            }
        }

        return null;
    }
}
