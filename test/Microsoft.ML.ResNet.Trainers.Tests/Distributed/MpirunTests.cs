using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Distributed;

/// <summary>Two processes that mpirun starts, against one with two workers.</summary>
public sealed partial class MpirunTests : IDisposable
{
    private static readonly string Program = SampleProcess.Assembly("TrainingProcess", folder: "test");
    private static readonly string[] TwoRanks =
        ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "2", "dotnet", Program];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>By every recipe, in both precisions, from images that are kept and from streamed shards, and on each rank.</summary>
    [SkippableFact]
    public void TwoRanksOfOneWorkerGiveTheWeightsOfOneProcessWithTwoToTheBit()
    {
        SkipWithoutMpirun();
        var (one, two) = (Directory.CreateDirectory(_folder["one"]).FullName, Directory.CreateDirectory(_folder["two"]).FullName);

        AssertSucceeds(SampleProcess.Run("dotnet", [Program, "distributed", one, "2"]));
        AssertSucceeds(SampleProcess.Run("mpirun", [.. TwoRanks, "distributed", two, "1"]));

        var expected = Directory.GetFiles(one);
        Assert.Equal(12, expected.Length);
        foreach (var (file, rank) in expected.SelectMany(file => new[] { (file, 0), (file, 1) }))
        {
            var name = Path.GetFileName(file).Replace(".0.", $".{rank}.", StringComparison.Ordinal);
            Assert.True(File.ReadAllBytes(file).SequenceEqual(File.ReadAllBytes(Path.Combine(two, name))), $"{name} differs.");
        }
    }

    /// <summary>A rank is killed at a random moment, ten times, some before the ranks have met; all end, and started again they go on from
    /// the checkpoint to the same weights. From the last checkpoint but one a single process goes on too, to the same within rounding.
    /// </summary>
    [SkippableFact]
    public async Task AKilledRankEndsAllAndTheyGoOnFromTheCheckpoint()
    {
        SkipWithoutMpirun();
        AssertSucceeds(SampleProcess.Run("mpirun", [.. TwoRanks, _folder["a"], _folder["expected.safetensors"]]));

        var random = new Random(1);
        for (var kill = 0; kill < 10; kill++)
        {
            var (exitCode, error) = await Kill(rank: random.Next(2), atReport: random.Next(4));
            Assert.NotEqual(0, exitCode);
            Assert.Contains("mpirun noticed that process rank", error);
            Assert.False(File.Exists(_folder["actual.safetensors"]));
        }

        AssertSucceeds(SampleProcess.Run("mpirun", [.. TwoRanks, _folder["b"], _folder["actual.safetensors"]]));
        Assert.Equal(File.ReadAllBytes(_folder["expected.safetensors"]), File.ReadAllBytes(_folder["actual.safetensors"]));
        Assert.Empty(Directory.GetFiles(_folder["b"], "*.tmp"));

        File.Delete(Directory.GetFiles(_folder["b"], "checkpoint-*").Order(StringComparer.Ordinal).Last());
        var alone = SampleProcess.Run("dotnet", [Program, _folder["b"], _folder["alone.safetensors"]]);
        AssertSucceeds(alone);
        Assert.Contains("The checkpoint was written by 2 workers, over all processes, and now there are 1", alone.Output);
        AssertNear(ResNetWeights.Load(_folder["expected.safetensors"]), ResNetWeights.Load(_folder["alone.safetensors"]));
    }

    [SkippableFact]
    public void ARankThatFailsSaysWhyAndEndsAll()
    {
        SkipWithoutMpirun();
        File.WriteAllText(_folder["file"], ""); // in the place of the folder of checkpoints, which rank 0 alone opens

        var result = SampleProcess.Run("mpirun", [.. TwoRanks, _folder["file"], _folder["never.safetensors"]]);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(
            $"Rank 0 of 2, on {Environment.MachineName}, cannot go on and ends the job. IOException: Checkpoint folder", result.Error);
    }

    private static void SkipWithoutMpirun()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Skip.IfNot(
            folders.Any(folder => File.Exists(Path.Combine(folder, "mpirun"))),
            "There is no mpirun: apt-get install openmpi-bin libopenmpi3.");
    }

    private static void AssertNear(ResNetWeights expected, ResNetWeights actual)
    {
        var (one, other) = (Values(expected), Values(actual));
        var distance = Math.Sqrt(one.Zip(other, (a, b) => Math.Pow(a - b, 2)).Sum());
        Assert.InRange(distance / Math.Sqrt(one.Sum(value => value * value)), 0, 1e-3);

        static double[] Values(ResNetWeights weights) =>
        [
            .. weights.Tensors
                .OrderBy(tensor => tensor.Name, StringComparer.Ordinal)
                .SelectMany(tensor => tensor.Values.ToArray())
                .Select(value => (double)value),
        ];
    }

    private static void AssertSucceeds(ProcessResult result) => Assert.True(result.ExitCode == 0, result.Error);

    // To mpirun's terminal .NET sends an escape sequence first.
    [GeneratedRegex("rank (?<rank>[0-9]+) is (?<id>[0-9]+)")]
    private static partial Regex RankLine();

    // Each rank says the number of its process first.
    private async Task<(int ExitCode, string Error)> Kill(int rank, int atReport)
    {
        string[] command = [.. TwoRanks, _folder["b"], _folder["actual.safetensors"], "--pause"];
        using var process = Process.Start(new ProcessStartInfo("mpirun", command)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var (ids, reports) = (new Dictionary<int, int>(), 0);
        while (ids.Count < 2 || reports < atReport)
        {
            var line = await process.StandardOutput.ReadLineAsync();
            Assert.True(line is not null, "It ended before it could be killed.");
            reports += line.StartsWith("step", StringComparison.Ordinal) ? 1 : 0;
            if (RankLine().Match(line) is { Success: true } match)
            {
                var (number, id) = (match.Groups["rank"].Value, match.Groups["id"].Value);
                ids[int.Parse(number, CultureInfo.InvariantCulture)] = int.Parse(id, CultureInfo.InvariantCulture);
            }
        }

        using var target = Process.GetProcessById(ids[rank]);
        target.Kill(); // SIGKILL
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await errors);
    }
}
