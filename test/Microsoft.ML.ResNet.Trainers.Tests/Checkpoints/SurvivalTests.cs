using System.Diagnostics;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Checkpoints;

/// <summary>A training process that is killed again and again, against one that never was.</summary>
public sealed class SurvivalTests : IDisposable
{
    private const int Kills = 10;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task KilledAtTenRandomMomentsItEndsWithTheSameWeights()
    {
        var untroubled = Stopwatch.StartNew();
        Assert.True(await Run(_folder["a"], _folder["expected.safetensors"], killAfter: null));
        var trained = untroubled.Elapsed;

        // The moments are early enough for all of the kills to find it training.
        var random = new Random(1);
        var kills = 0;
        while (!await Run(_folder["b"], _folder["actual.safetensors"], killAfter: kills < Kills ? random.NextDouble() * trained / (2 * Kills) : null))
        {
            kills++;
        }

        Assert.Equal(Kills, kills);
        Assert.Equal(File.ReadAllBytes(_folder["expected.safetensors"]), File.ReadAllBytes(_folder["actual.safetensors"]));
    }

    // True if it ended by itself.
    private static async Task<bool> Run(string checkpoints, string weights, TimeSpan? killAfter)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Assembly, checkpoints, weights]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var underWay = await process.StandardOutput.ReadLineAsync();
        if (killAfter is { } delay)
        {
            Assert.True(underWay is not null, await Ended());
            await Task.Delay(delay);
            process.Kill(); // SIGKILL
        }

        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(killAfter is not null || process.ExitCode == 0, await errors);
        return killAfter is null;

        async Task<string> Ended() => $"It ended before it could be killed. {await errors}";
    }

    private static string Assembly
    {
        get
        {
            var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
            return Path.Combine(Repository.Root, "test", "TrainingProcess", "bin", framework.Parent!.Name, framework.Name, "TrainingProcess.dll");
        }
    }
}
