using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers;
using TrainingProcess;

// TrainingProcess networks: trains a network of each kind, and tells how each scores.
// TrainingProcess wide [--avoid-pointwise]: takes one step of a network whose 1×1 convolutions end the process where caches are hidden.
if (args[0] is "networks" or "wide")
{
    AppContext.SetSwitch("Microsoft.ML.ResNet.Trainers.AvoidPointwiseConvolutions", args.Contains("--avoid-pointwise"));
    if (args[0] == "wide")
    {
        NetworkTrial.StepOfWideBottlenecks(Console.Out);
    }
    else
    {
        NetworkTrial.RunAll(Console.Out);
    }

    return;
}

// TrainingProcess CHECKPOINTS WEIGHTS [--pause]: trains a small network on drawn pictures, with checkpoints all the time, and saves its
// weights; with a pause after each report, for mpirun passes lines on with some delay: all epochs would be over before the test can kill.
// TrainingProcess COUNT: trains so many networks, one after another, and tells after each how many MB this process has.
if (args is [var count])
{
    Repetition.Run(int.Parse(count, System.Globalization.CultureInfo.InvariantCulture));
    return;
}

// TrainingProcess distributed FOLDER THREADS: trains by one recipe after another, and saves the weights of each as NAME.RANK.safetensors.
if (args is ["distributed", var results, var threads])
{
    DistributedTrial.RunAll(results, int.Parse(threads, System.Globalization.CultureInfo.InvariantCulture));
    return;
}

if (DistributedJob.Size > 1)
{
    Console.WriteLine($"rank {DistributedJob.Rank} is {Environment.ProcessId}"); // for the test to kill
}

var ml = new MLContext(seed: 1);
ml.Log += (_, message) =>
{
    if (message.RawMessage.StartsWith("The checkpoint was written", StringComparison.Ordinal))
    {
        Console.WriteLine(message.RawMessage);
    }
};
var pictures = Pictures.Load(ml, Pictures.Rows(perClass: 40, height: 16, width: 16, channels: 3));
var data = ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(pictures).Transform(pictures);
using var model = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
{
    Architecture = new ResNetArchitecture("tiny", BlockKind.Basic, [1, 1])
    {
        Stem = StemKind.SmallImage,
        Shortcut = ShortcutKind.A,
        BaseWidth = 8,
    },
    InputShape = new ImageShape(3, 16, 16),
    ImageColumnName = nameof(PixelRow.Bytes),
    Recipe = TrainingRecipe.Modern with
    {
        Epochs = 36,
        BatchSize = 16,
        TrivialAugment = true,
        CutMix = 1,
        StochasticDepth = 0.2,
        KeepBestEpoch = true,
        PreciseBatchNormImages = 70,
    },
    Precision = TrainingPrecision.Float32,
    ThreadCount = 1,
    CheckpointFolder = args[0],
    CheckpointInterval = TimeSpan.FromMilliseconds(20),
    Progress = new Announcement(args.Contains("--pause")),
}).Fit(data);
if (DistributedJob.Rank == 0)
{
    model.Weights.Save(args[1]);
}

/// <summary>Says that training is under way, for the test to kill it.</summary>
internal sealed class Announcement(bool pauses) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        Console.WriteLine($"step {value.Step} of {value.Steps}");
        if (pauses)
        {
            Thread.Sleep(50);
        }
    }
}
