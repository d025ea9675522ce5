using System.Diagnostics;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Checkpoints;

/// <summary>A training process that is killed again and again, against one that never was.</summary>
public sealed class SurvivalTests : IDisposable
{
    private const int Kills = 10;
    private const int LastKill = 30; // of 36 epochs
    private const int MillisecondsIntoAnEpoch = 12;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task KilledAtTenRandomMomentsItEndsWithTheSameWeights()
    {
        await Run(_folder["a"], _folder["expected.safetensors"], killAtReport: null);

        // The process reports after every epoch. It is killed at a random one of the reports that are left, and a little later.
        var random = new Random(1);
        for (var kill = 0; kill < Kills; kill++)
        {
            await Run(_folder["b"], _folder["actual.safetensors"], killAtReport: 1 + random.Next(LastKill / Kills),
                wait: random.Next(MillisecondsIntoAnEpoch));
            Assert.False(File.Exists(_folder["actual.safetensors"]));
        }

        await Run(_folder["b"], _folder["actual.safetensors"], killAtReport: null);
        Assert.Equal(File.ReadAllBytes(_folder["expected.safetensors"]), File.ReadAllBytes(_folder["actual.safetensors"]));
    }

    private static async Task Run(string checkpoints, string weights, int? killAtReport, int wait = 0)
    {
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", [SampleProcess.Assembly("TrainingProcess", folder: "test"), checkpoints, weights])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        var errors = process.StandardError.ReadToEndAsync();
        for (var report = 0; report < killAtReport; report++)
        {
            Assert.True(
                await process.StandardOutput.ReadLineAsync() is not null,
                $"It ended before it could be killed. {(process.HasExited ? await errors : "")}");
        }

        if (killAtReport is not null)
        {
            await Task.Delay(wait);
            process.Kill(); // SIGKILL
        }

        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(killAtReport is not null || process.ExitCode == 0, await errors);
    }
}
