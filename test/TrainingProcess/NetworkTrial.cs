using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace TrainingProcess;

/// <summary>
/// Trains a small network of each kind on drawn pictures, in both precisions, and tells what it learned and
/// how far ONNX Runtime's scores are from Torch's.
/// </summary>
internal static class NetworkTrial
{
    private static readonly (ResNetArchitecture Architecture, ImageShape Input)[] Networks =
    [
        (Small("one-channel", BlockKind.Basic), new ImageShape(1, 16, 16)),
        (Small("narrow", BlockKind.Basic), new ImageShape(3, 20, 16)),
        (Small("plain", BlockKind.Basic) with { Shortcut = ShortcutKind.None, BaseWidth = 16 }, new ImageShape(3, 16, 16)),
        (Small("bottleneck", BlockKind.Bottleneck) with { Shortcut = ShortcutKind.B }, new ImageShape(3, 16, 16)),
        (
            Small("grouped", BlockKind.Bottleneck) with { Shortcut = ShortcutKind.B, BaseWidth = 16, Groups = 4, WidthPerGroup = 16 },
            new ImageShape(3, 16, 16)),
        (Small("squeezing", BlockKind.Bottleneck) with { Shortcut = ShortcutKind.B, SqueezeReduction = 4 }, new ImageShape(3, 16, 16)),
        (Small("pre-activation", BlockKind.PreActivationBottleneck) with { Shortcut = ShortcutKind.B }, new ImageShape(3, 16, 16)),
        (Small("stem", BlockKind.Basic) with { Stem = StemKind.ImageNet, Shortcut = ShortcutKind.B }, new ImageShape(3, 64, 64)),
    ];

    /// <summary>
    /// Writes a line for each: name, precision, share of the pictures that ONNX Runtime classifies right, largest
    /// difference of logits in units of their spread.
    /// </summary>
    public static void RunAll(TextWriter output)
    {
        foreach (var (architecture, input) in Networks)
        {
            foreach (var (precision, threads) in new[] { (TrainingPrecision.Float32, 1), (TrainingPrecision.BFloat16, 2) })
            {
                var (accuracy, difference) = Run(architecture, input, precision, threads);
                output.WriteLine(
                    string.Create(CultureInfo.InvariantCulture, $"{architecture.Name}\t{precision}\t{accuracy:0.###}\t{difference:e2}"));
            }
        }
    }

    /// <summary>
    /// Takes one step, in both precisions, of a network with a strided projection of 512 channels onto 1,024, as ResNet-50 has.
    /// </summary>
    public static void StepOfWideBottlenecks(TextWriter output)
    {
        TorchRuntime.Initialize();
        var architecture = new ResNetArchitecture("wide", BlockKind.Bottleneck, [1, 1, 1]) { Stem = StemKind.SmallImage };
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 64, 64), classCount: 3);
        foreach (var precision in new[] { TrainingPrecision.Float32, TrainingPrecision.BFloat16 })
        {
            using var scope = NewDisposeScope();
            using var network = new ResidualNetwork(plan, ResNetWeights.Initialize(plan, seed: 1), precision);
            var loss = network.Forward(rand([2, 64, 64, 3], generator: new Generator(1)).permute(0, 3, 1, 2), training: true)
                .square()
                .sum();
            loss.backward();
            output.WriteLine($"{architecture.Name}\t{precision}\t{loss.item<float>()}");
        }
    }

    private static ResNetArchitecture Small(string name, BlockKind block) =>
        new(name, block, [1, 1]) { Stem = StemKind.SmallImage, Shortcut = ShortcutKind.A, BaseWidth = 8 };

    private static (double Accuracy, double Difference) Run(
        ResNetArchitecture architecture, ImageShape input, TrainingPrecision precision, int threads)
    {
        var ml = new MLContext(seed: 1);
        var rows = Pictures.Rows(perClass: 8, input.Height, input.Width, input.Channels);
        var pictures = Pictures.Load(ml, rows);
        var data = ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(pictures).Transform(pictures);
        using var model = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = architecture,
            InputShape = input,
            ImageColumnName = nameof(PixelRow.Bytes),
            Recipe = TrainingRecipe.Modern with { Epochs = 6, BatchSize = 8, LearningRate = 0.05, Augmentation = ImageAugmentation.None },
            ValidationFraction = 0,
            Precision = precision,
            ThreadCount = threads,
        }).Fit(data);
        var scored = model.Transform(data);
        var scores = scored.GetColumn<float[]>("Score").ToArray();
        return (ml.MulticlassClassification.Evaluate(scored).MicroAccuracy, Difference(scores, TorchLogits(model, rows, precision)));
    }

    // Of what the network computed in training, in the precision of training.
    private static float[][] TorchLogits(ResNetClassificationTransformer model, PixelRow[] rows, TrainingPrecision precision)
    {
        var plan = LayerPlan.Create(model.Architecture, model.Preprocessing.Input, model.ClassNames.Length);
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(plan, model.Weights, precision);
        using var noGradients = no_grad();
        var (mean, deviation) = (model.Preprocessing.Mean, model.Preprocessing.StandardDeviation);
        var values = rows.SelectMany(row => row.Bytes.Select((value, i) =>
            (value - mean[i / (plan.Input.Height * plan.Input.Width)]) / deviation[i / (plan.Input.Height * plan.Input.Width)]))
            .ToArray();
        var images = tensor(values).view(rows.Length, plan.Input.Channels, plan.Input.Height, plan.Input.Width)
            .permute(0, 2, 3, 1)
            .contiguous()
            .permute(0, 3, 1, 2);
        return [.. network.Forward(images, training: false).data<float>().ToArray().Chunk(plan.ClassCount)];
    }

    // Scores are probabilities: their logarithms are the logits, but for a constant in each row. What is too small
    // for a logarithm of any precision is left out.
    private static double Difference(float[][] scores, float[][] logits)
    {
        var spread = logits.SelectMany(row => row).Max() - logits.SelectMany(row => row).Min();
        return scores.Zip(logits, Largest).Max() / spread;

        static double Largest(float[] row, float[] expected)
        {
            var top = row.IndexOf(row.Max());
            return Enumerable.Range(0, row.Length)
                .Where(i => row[i] > 1e-6f)
                .Max(i => Math.Abs(Math.Log(row[i]) - Math.Log(row[top]) - (expected[i] - expected[top])));
        }
    }
}
