using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML.ResNet.Trainers;

namespace Benchmarks.Peers;

/// <summary>
/// What no step around these kernels can beat: oneDNN's own time for each convolution and matrix product, by its verbose log of a run
/// apart, and the bytes that normalizations, ReLUs and additions must move at least, at the rate of a copy.
/// </summary>
/// <remarks>
/// Products that another library computes, as MKL does in float32, are in no log: there the floor is lower than it could be.
/// </remarks>
internal static class StepFloor
{
    public const string Forward = "convolutions, forward";
    public const string BackwardData = "back, of images";
    public const string BackwardWeights = "back, of filters";
    public const string Products = "matrix products";
    public const string Reorders = "reorders";
    public const string Memory = "bytes of the rest";

    public static readonly string[] Names = [Forward, BackwardData, BackwardWeights, Products, Reorders, Memory];

    public static readonly Peer<TrainingWork, TrainingRate> Peer = new("floor", Measure);

    private const int CopyBytes = 64 << 20; // more than any core's caches
    private const int Copies = 8;

    private static TrainingRate Measure(TrainingWork work)
    {
        var start = ChildProcess.Self([PeerCommand.Name, TracedStep.Peer.Name, JsonSerializer.Serialize(work)]);
        (start.RedirectStandardOutput, start.Environment["ONEDNN_VERBOSE"]) = (true, "1");
        using var process = Process.Start(start)!;
        var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        var done = JsonSerializer.Deserialize<StepCount>(lines.Last(line => line.StartsWith('{')))!;

        // By kernel and shape, the median, since now and then another process has the core; workers run side by side.
        var parts = lines.Select(Execution.Parse).OfType<Execution>()
            .GroupBy(each => (each.Part, each.Kernel), each => each.Milliseconds)
            .Where(group => group.Count() >= done.WarmUp + done.Steps) // not those of the check before training
            .Select(group => (group.Key.Part, Times: done.AfterWarmUp([.. group])))
            .GroupBy(kernel => kernel.Part, kernel => Median(kernel.Times) * kernel.Times.Count / done.Steps / done.Workers)
            .ToDictionary(group => group.Key, group => group.Sum());
        parts[Memory] = 1000 * BytesPerStep(work, done.Precision == nameof(TrainingPrecision.BFloat16) ? 2 : 4) / CopyRate(work.Threads);
        return new TrainingRate(work.BatchSize / (parts.Values.Sum() / 1000), work.Plan.ParameterCount, done.Precision) { Parts = parts };
    }

    // A normalization reads its input for the statistics, and again to write the result; back, it reads gradient and input twice and writes
    // once. ReLU's result is read twice on the way back. An addition reads one more, and hands the gradient on to two.
    private static double BytesPerStep(TrainingWork work, int elementSize) =>
        work.Plan.Layers.Sum(layer => (double)layer.Output.Size * work.BatchSize * elementSize * layer switch
        {
            BatchNormLayer => 3 + 5,
            ReluLayer => 2,
            AddLayer => 1 + 1,
            _ => 0,
        });

    private static double CopyRate(int threads)
    {
        var best = double.MaxValue;
        (byte[] From, byte[] To)[] blocks = [.. Enumerable.Range(0, threads).Select(_ => (new byte[CopyBytes], new byte[CopyBytes]))];
        for (var repeat = 0; repeat < Copies; repeat++)
        {
            var clock = Stopwatch.StartNew();
            Parallel.ForEach(
                blocks, new ParallelOptions { MaxDegreeOfParallelism = threads }, block => block.From.AsSpan().CopyTo(block.To));
            best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }

        return 2.0 * CopyBytes * threads / best; // read and written
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    /// <summary>
    /// A line of oneDNN's log: onednn_verbose,v1,primitive,exec,cpu,convolution,jit:…,forward_training,…,mb128_ic16…,0.87.
    /// </summary>
    private sealed record Execution(string Part, string Kernel, double Milliseconds)
    {
        private const int PrimitiveField = 5;
        private const int DirectionField = 7;

        public static Execution? Parse(string line)
        {
            var fields = line.Split(',');
            if (!line.StartsWith("onednn_verbose", StringComparison.Ordinal) || !line.Contains(",exec,", StringComparison.Ordinal)
                || fields.Length <= DirectionField + 2 || !double.TryParse(fields[^1], CultureInfo.InvariantCulture, out var time))
            {
                return null;
            }

            var part = (fields[PrimitiveField], fields[DirectionField]) switch
            {
                ("convolution", "backward_data") => BackwardData,
                ("convolution", "backward_weights") => BackwardWeights,
                ("convolution", _) => Forward,
                ("reorder", _) => Reorders,
                _ => Products,
            };
            return new Execution(part, string.Join(',', fields[PrimitiveField..^1]), time);
        }
    }
}
