using System.Diagnostics;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Benchmarks.Peers;

/// <summary>
/// The library's training step on one batch, again and again, with all convolutions by Torch: for oneDNN to write down how long each of its
/// kernels takes.
/// </summary>
internal static class TracedStep
{
    public static readonly Peer<TrainingWork, StepCount> Peer = new("step", Run);

    private const int WarmUpSteps = 4; // the first of them get their memory from the system, page by page, while kernels run
    private const int LeastSteps = 8;

    private static StepCount Run(TrainingWork work)
    {
        TorchRuntime.Initialize();
#pragma warning disable RS0030 // of a process that does nothing else
        set_num_threads(work.Threads);
#pragma warning restore RS0030
        var precision = PrecisionProbe.Resolve(TrainingPrecision.Auto);
        var plan = work.Plan;
        using var network = new ResidualNetwork(plan, ResNetWeights.Initialize(plan, 1), precision);
        using var step = new CompiledStep(network, labelSmoothing: 0, isWeighted: false, work.BatchSize) { TileSide = (_, _) => null };
        using var batch = new Batch(work.BatchSize, plan.Input.Size);
        batch.Reset(0, work.BatchSize, plan.Input);
        var random = new Random(1);
        foreach (ref var value in batch.ImageValues)
        {
            value = (float)(2 * random.NextDouble() - 1);
        }

        batch.LabelValues.Clear();
        for (var i = 0; i < WarmUpSteps; i++)
        {
            step.Run(batch, 1, accumulates: false);
        }

        var (clock, steps) = (Stopwatch.StartNew(), 0);
        for (; steps < LeastSteps || clock.Elapsed.TotalSeconds < work.Seconds; steps++)
        {
            step.Run(batch, 1, accumulates: false);
        }

        return new StepCount(WarmUpSteps, steps, CompiledStep.CountWorkers(work.BatchSize), precision.ToString());
    }
}

/// <summary>What a traced run did.</summary>
/// <param name="WarmUp">The steps before those that count.</param>
/// <param name="Steps">The steps that count.</param>
/// <param name="Workers">The workers of each.</param>
/// <param name="Precision">The type of its convolutions.</param>
internal sealed record StepCount(int WarmUp, int Steps, int Workers, string Precision)
{
    /// <summary>Leaves out what was done in the steps before those that count, of something that each step does as often.</summary>
    /// <param name="all">In the order in which they were done.</param>
    public ArraySegment<T> AfterWarmUp<T>(T[] all) =>
        new ArraySegment<T>(all)[(int)((long)all.Length * WarmUp / (WarmUp + Steps))..];
}
