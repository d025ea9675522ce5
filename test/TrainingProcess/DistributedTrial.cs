using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers;

namespace TrainingProcess;

/// <summary>Trains a small network by many recipes, with whatever processes were started together with this one.</summary>
internal static class DistributedTrial
{
    private static readonly TrainingRecipe Short = TrainingRecipe.Modern with
    {
        Epochs = 3,
        BatchSize = 15,
        LearningRate = 0.05,
        EmaDecay = 0.9,
    };

    private static readonly TrainingRecipe Plain = Short with { Nesterov = false };

    private static readonly (string Name, TrainingRecipe Recipe)[] Recipes =
    [
        ("modern", Short),
        ("fast", TrainingRecipe.Fast with { Epochs = 3, BatchSize = 16 }),
        ("paper", TrainingRecipe.Paper with { Steps = 14, BatchSize = 16, LearningRate = 0.02 }),
        ("deep", TrainingRecipe.PaperDeep with { Steps = 60, BatchSize = 16, LearningRate = 0.02 }),
        ("imagenet", TrainingRecipe.PaperImageNet with { Steps = 14, BatchSize = 16, LearningRate = 0.02 }),
        ("mixed", Short with { Mixup = 0.2, CutMix = 1, LabelSmoothing = 0.1, StochasticDepth = 0.2, TrivialAugment = true }),
        ("accumulated", Short with { BatchSize = 8, GradientAccumulationSteps = 2, GradientClipNorm = 1 }),
        ("balanced", Plain with { ClassBalance = ClassBalance.Weights, Optimizer = OptimizerKind.AdamW, LearningRate = 0.002 }),
        ("sampled", Plain with { ClassBalance = ClassBalance.Sampling, Optimizer = OptimizerKind.Lamb, LearningRate = 0.01 }),
        ("best", Short with { KeepBestEpoch = true, PreciseBatchNormImages = 70 }),
    ];

    public static void RunAll(string folder, int threads)
    {
        foreach (var (name, recipe) in Recipes)
        {
            Save(name, recipe, TrainingPrecision.Float32);
        }

        Save("bfloat16", Short, TrainingPrecision.BFloat16);
        Save("streamed", Short, TrainingPrecision.Float32, streams: true);

        void Save(string name, TrainingRecipe recipe, TrainingPrecision precision, bool streams = false)
        {
            using var model = Train(recipe, precision, threads, streams);
            model.Weights.Save(Path.Combine(folder, $"{name}.{DistributedJob.Rank}.safetensors"));
        }
    }

    // Wide enough that Torch shares the sum over a tensor out over threads, where it has several: from 32,768 values on.
    private static ResNetClassificationTransformer Train(
        TrainingRecipe recipe, TrainingPrecision precision, int threads, bool streams)
    {
        var ml = new MLContext(seed: 1);
        using var folder = new TemporaryFolder();
        var data = streams ? ml.Data.LoadImageShards(TinyShards.Write(folder.Path), TinyShards.Options) : InMemory(ml);
        return ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = new ResNetArchitecture("tiny", BlockKind.Basic, [1, 1])
            {
                Stem = StemKind.SmallImage,
                Shortcut = ShortcutKind.B,
                BaseWidth = 32,
                SqueezeReduction = 4,
            },
            InputShape = new ImageShape(3, 16, 16),
            ImageColumnName = streams ? "Image" : nameof(PixelRow.Bytes),
            StreamShards = streams,
            Recipe = recipe,
            Precision = precision,
            ThreadCount = threads,
        }).Fit(data);
    }

    private static IDataView InMemory(MLContext ml)
    {
        var pictures = Pictures.Load(ml, Pictures.Rows(perClass: 20, height: 16, width: 16, channels: 3));
        return ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(pictures).Transform(pictures);
    }
}
