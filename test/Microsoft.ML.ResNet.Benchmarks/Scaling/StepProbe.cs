using System.Diagnostics;
using Benchmarks.Peers;
using Benchmarks.Report;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Benchmarks.Scaling;

/// <summary>Measures what several processes do together, in each of those that <c>mpirun</c> started; rank 0 prints it.</summary>
internal static class StepProbe
{
    private const int SmallGatherings = 2000;
    private const int LargeSums = 5;

    /// <summary>Prints the milliseconds of a training step of one thread in each process.</summary>
    /// <param name="work">What is trained; its folder is not used, since images are made.</param>
    /// <param name="alone">Whether each process trains by itself, all of them at once.</param>
    /// <param name="exchange">The format of gradients that are exchanged.</param>
    /// <param name="syncs">Whether the statistics of batch normalization are those over all processes.</param>
    public static void Step(TrainingWork work, bool alone, GradientExchange exchange, bool syncs)
    {
        var random = new Random(1);
        var pixels = Enumerable.Range(0, work.Images).Select(_ => new byte[3 * work.ImageSize * work.ImageSize]).ToArray();
        Array.ForEach(pixels, random.NextBytes);
        var ml = new MLContext(seed: 1);
        var rows = ml.Data.LoadFromEnumerable(
            pixels.Select((bytes, i) => new PixelsOfImage { Name = $"class {i % work.Classes}", Pixels = bytes }),
            PixelsOfImage.Schema(work));
        var data = ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelsOfImage.Name)).Fit(rows).Transform(rows);
        var progress = new StepProgress(new StepClock(work.WarmUp, work.Seconds, warmUpSteps: 3));
        using var stop = progress.Stop;
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.Parse(work.Architecture),
            InputShape = new ImageShape(3, work.ImageSize, work.ImageSize),
            ImageColumnName = nameof(PixelsOfImage.Pixels),
            Recipe = TrainingRecipe.Paper with
            {
                Steps = null,
                Epochs = 1_000_000,
                BatchSize = work.BatchSize,
                LearningRate = 0.001,
                Augmentation = ImageAugmentation.None,
            },
            ValidationFraction = 0,
            Distributed = alone ? DistributedTraining.Off : DistributedTraining.Required,
            GradientExchange = exchange,
            SyncBatchNorm = syncs,
            ThreadCount = work.Threads,
            Progress = progress,
            CancellationToken = progress.Stop.Token,
        });
        try
        {
            trainer.Fit(data);
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }

        if (alone || DistributedJob.Rank == 0)
        {
            var who = alone ? "alone" : $"together, {exchange}, {(syncs ? "statistics of all" : "own statistics")}:";
            var milliseconds = 1000 / progress.Clock.StepsPerSecond;
            Console.WriteLine(string.Create(Output.Culture, $"{work.Architecture} {who} {milliseconds:0.0} ms"));
        }
    }

    /// <summary>Prints the time of a small gathering and of the sum of a network's gradients.</summary>
    public static void Wire(long gradients)
    {
        var ranks = TrainingJob.Join(DistributedTraining.Required);
        var all = new long[ranks.Size];
        ranks.AllGather(1, all);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < SmallGatherings; i++)
        {
            ranks.AllGather(i, all);
        }

        var latency = clock.Elapsed.TotalMicroseconds / SmallGatherings;
        var (part, total) = (new float[gradients], new float[gradients]);
        ranks.AllReduce(part, total);
        clock.Restart();
        for (var i = 0; i < LargeSums; i++)
        {
            ranks.AllReduce(part, total);
        }

        var milliseconds = clock.Elapsed.TotalMilliseconds / LargeSums;
        if (ranks.Rank == 0)
        {
            Console.WriteLine(string.Create(Output.Culture, $"wire: 8 bytes {latency:0.0} us, {gradients} sums {milliseconds:0.0} ms"));
        }
    }

    private sealed class StepProgress(StepClock clock) : IProgress<TrainingProgress>
    {
        public StepClock Clock => clock;

        public CancellationTokenSource Stop { get; } = new();

        public void Report(TrainingProgress value)
        {
            clock.At(value.Step);
            if (clock.IsOver)
            {
                Stop.Cancel();
            }
        }
    }

    /// <summary>An image of noise.</summary>
    internal sealed class PixelsOfImage
    {
        public string Name { get; set; } = "";

        public byte[] Pixels { get; set; } = [];

        public static Microsoft.ML.Data.SchemaDefinition Schema(TrainingWork work)
        {
            var schema = Microsoft.ML.Data.SchemaDefinition.Create(typeof(PixelsOfImage));
            schema[nameof(Pixels)].ColumnType = new Microsoft.ML.Data.VectorDataViewType(
                Microsoft.ML.Data.NumberDataViewType.Byte, 3 * work.ImageSize * work.ImageSize);
            return schema;
        }
    }
}
