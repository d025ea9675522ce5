using System.Diagnostics;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Benchmarks.Peers;

/// <summary>
/// The library's training step on one batch, again and again: for oneDNN to write down how long each of its kernels takes.
/// </summary>
internal static class TracedStep
{
    public static readonly Peer<TrainingWork, StepCount> Peer = new("step", Run);

    private const int LeastSteps = 4;

    private static StepCount Run(TrainingWork work)
    {
        TorchRuntime.Initialize();
#pragma warning disable RS0030 // of a process that does nothing else
        set_num_threads(work.Threads);
#pragma warning restore RS0030
        var precision = PrecisionProbe.Resolve(TrainingPrecision.Auto);
        var plan = work.Plan;
        using var network = new ResidualNetwork(plan, ResNetWeights.Initialize(plan, 1), precision);
        using var step = new CompiledStep(network, labelSmoothing: 0, isWeighted: false, work.BatchSize);
        using var batch = new Batch(work.BatchSize, plan.Input.Size);
        batch.Reset(0, work.BatchSize, plan.Input);
        var random = new Random(1);
        foreach (ref var value in batch.ImageValues)
        {
            value = (float)(2 * random.NextDouble() - 1);
        }

        batch.LabelValues.Clear();
        var (clock, steps) = (Stopwatch.StartNew(), 0);
        for (; steps < LeastSteps || clock.Elapsed.TotalSeconds < work.Seconds; steps++)
        {
            step.Run(batch, 1, accumulates: false);
        }

        return new StepCount(steps, CompiledStep.CountWorkers(work.BatchSize), precision.ToString());
    }
}

/// <summary>What a traced run did.</summary>
internal sealed record StepCount(int Steps, int Workers, string Precision);
