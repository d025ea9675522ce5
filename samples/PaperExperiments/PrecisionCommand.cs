using System.CommandLine;
using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace PaperExperiments;

/// <summary><c>precision</c>: whether training in bfloat16 ends where training in float32 does, on three seeds.</summary>
internal static class PrecisionCommand
{
    private const long QuickSteps = 500;

    private static readonly int[] Seeds = [1, 2, 3];

    public static Command Create() => ExperimentOptions.Command(
        "precision",
        "Trains resnet20 on three seeds, in bfloat16 and in float32, and compares the errors. The paper trains in float32.",
        Run);

    private static void Run(Laboratory laboratory)
    {
        var recipe = laboratory.Recipe(layers: 20, QuickSteps) with { LearningRateDecay = LearningRateDecay.Cosine };
        var table = new StringBuilder("| precision | test error, seeds 1 to 3 | mean | spread | images/s |\n|---|---|---|---|---|\n");
        foreach (var precision in (TrainingPrecision[])[TrainingPrecision.BFloat16, TrainingPrecision.Float32])
        {
            var networks = Seeds.Select(seed => laboratory.Train(ResNetArchitecture.ResNet20, recipe,
                $"resnet20-{precision}-{recipe.Steps}-seed{seed}".ToLowerInvariant(), precision, seed)).ToArray();
            double[] errors = [.. networks.Select(network => 100 * network.TestError)];
            var rate = networks.SelectMany(network => network.Model.History.Epochs)
                .Select(epoch => epoch.ImagesPerSecond)
                .Order()
                .ElementAt(networks[0].Model.History.Epochs.Length * networks.Length / 2);
            var each = string.Join(" · ", errors.Select(error => error.ToString("f2", CultureInfo.InvariantCulture)));
            table.AppendLine(CultureInfo.InvariantCulture,
                $"| {precision} | {each} % | {errors.Average():f2} % | {errors.Max() - errors.Min():f2} | {rate:f0} |");
        }

        File.WriteAllText(laboratory.Result("precision.md"), table.ToString());
        Console.WriteLine(table);
    }
}
