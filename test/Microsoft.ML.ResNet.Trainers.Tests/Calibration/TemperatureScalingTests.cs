using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Calibration;

namespace Microsoft.ML.ResNet.Trainers.Tests.Calibration;

public sealed class TemperatureScalingTests
{
    private const int Classes = 10;

    [Theory]
    [InlineData(0.4)]
    [InlineData(1)]
    [InlineData(2.5)]
    public void The_temperature_that_labels_were_drawn_with_is_found(double temperature)
    {
        var (logits, labels) = Draw(rows: 20_000, temperature);

        Assert.Equal(temperature, TemperatureScaling.Fit(logits, labels), 0.03 * temperature);
    }

    [Fact]
    public void Log_probabilities_give_the_temperature_of_the_logits()
    {
        var (logits, labels) = Draw(rows: 2_000, temperature: 2);
        var logProbabilities = new float[logits.Length];
        for (var row = 0; row < labels.Length; row++)
        {
            var probabilities = new float[Classes];
            TemperatureScaling.Apply(logits.AsSpan(row * Classes, Classes), 1, probabilities);
            TemperatureScaling.ToLogits(probabilities, logProbabilities.AsSpan(row * Classes, Classes));
        }

        Assert.Equal(TemperatureScaling.Fit(logits, labels), TemperatureScaling.Fit(logProbabilities, labels), 1e-4);
    }

    [Fact]
    public void The_temperature_is_where_the_likelihood_is_largest()
    {
        var (logits, labels) = Draw(rows: 500, temperature: 1.7);
        var found = TemperatureScaling.Fit(logits, labels);

        Assert.True(NegativeLogLikelihood(logits, labels, found) < NegativeLogLikelihood(logits, labels, found * 1.01));
        Assert.True(NegativeLogLikelihood(logits, labels, found) < NegativeLogLikelihood(logits, labels, found / 1.01));
    }

    [Fact]
    public void Where_all_answers_are_right_the_lowest_temperature_is_taken() =>
        Assert.Equal(TemperatureScaling.Lowest, TemperatureScaling.Fit([3, 0, 0, 2], [0, 1]));

    [Fact]
    public void Where_all_answers_are_wrong_the_highest_temperature_is_taken() =>
        Assert.Equal(TemperatureScaling.Highest, TemperatureScaling.Fit([3, 0, 0, 2], [1, 0]));

    [Fact]
    public void Logits_that_say_nothing_give_a_finite_temperature()
    {
        var temperature = TemperatureScaling.Fit([1, 1, 1, 1], [0, 1]);

        Assert.InRange(temperature, TemperatureScaling.Lowest, TemperatureScaling.Highest);
    }

    [Fact]
    public void Logits_as_far_apart_as_probabilities_can_make_them_are_taken()
    {
        var logits = new float[4];
        TemperatureScaling.ToLogits([1, 0, 1, 0], logits);

        Assert.Equal(TemperatureScaling.Highest, TemperatureScaling.Fit(logits, [0, 1]));
        Assert.Equal(TemperatureScaling.Lowest, TemperatureScaling.Fit(logits, [0, 0]));
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.7)]
    [InlineData(20)]
    public void No_temperature_changes_a_prediction(double temperature)
    {
        var (logits, labels) = Draw(rows: 1_000, temperature: 1);
        var probabilities = new float[Classes];
        for (var row = 0; row < labels.Length; row++)
        {
            var z = logits.AsSpan(row * Classes, Classes);
            TemperatureScaling.Apply(z, temperature, probabilities);

            Assert.Equal(TensorPrimitives.Max<float>(probabilities), probabilities[TensorPrimitives.IndexOfMax<float>(z)]);
            Assert.Equal(1, TensorPrimitives.Sum<float>(probabilities), 1e-5);
        }
    }

    [Fact]
    public void The_head_alone_is_divided_by_the_temperature()
    {
        var plan = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, classCount: 3);
        var weights = new ResNetWeights(ResNetWeights.Initialize(plan, seed: 1).Tensors)
        {
            ClassNames = ["a", "b", "c"],
            Preprocessing = ImagePreprocessing.Cifar10,
        };

        var folded = TemperatureScaling.Fold(weights, plan.Head, 2);

        Assert.Equal(weights.Tensors.Select(tensor => tensor.Name), folded.Tensors.Select(tensor => tensor.Name));
        Assert.All(
            weights.Tensors.Where(tensor => !tensor.Name.StartsWith("fc.", StringComparison.Ordinal)),
            tensor => Assert.Same(tensor, folded[tensor.Name]));
        Assert.Equal(weights["fc.weight"].Values.ToArray().Select(value => value / 2), folded["fc.weight"].Values.ToArray());
        Assert.Equal(weights["fc.bias"].Values.ToArray().Select(value => value / 2), folded["fc.bias"].Values.ToArray());
        Assert.Equal(weights.ClassNames.AsEnumerable(), folded.ClassNames);
        Assert.Same(weights.Preprocessing, folded.Preprocessing);
    }

    [Fact]
    public void What_cannot_be_fitted_is_refused()
    {
        Assert.Contains("no table", Refusal([1, 2, 3], [0, 1]), StringComparison.Ordinal);
        Assert.Contains("no table", Refusal([], []), StringComparison.Ordinal);
        Assert.Contains("label 2", Refusal([1, 2], [2]), StringComparison.Ordinal);
        Assert.Contains("finite", Refusal([1, float.NegativeInfinity], [0]), StringComparison.Ordinal);

        static string Refusal(float[] logits, int[] labels) =>
            Assert.Throws<ArgumentException>(() => TemperatureScaling.Fit(logits, labels)).Message;
    }

    /// <summary>Draws rows whose labels follow softmax(logits / temperature).</summary>
    internal static (float[] Logits, int[] Labels) Draw(int rows, double temperature)
    {
        var random = new Random(7);
        var (logits, labels, probabilities) = (new float[rows * Classes], new int[rows], new float[Classes]);
        for (var row = 0; row < rows; row++)
        {
            var z = logits.AsSpan(row * Classes, Classes);
            foreach (ref var logit in z)
            {
                logit = (float)(6 * random.NextDouble());
            }

            TemperatureScaling.Apply(z, temperature, probabilities);
            var dice = random.NextSingle();
            while (labels[row] < Classes - 1 && (dice -= probabilities[labels[row]]) > 0)
            {
                labels[row]++;
            }
        }

        return (logits, labels);
    }

    private static double NegativeLogLikelihood(float[] logits, int[] labels, double temperature)
    {
        var sum = 0.0;
        for (var row = 0; row < labels.Length; row++)
        {
            var z = logits.AsSpan(row * Classes, Classes).ToArray();
            sum += Math.Log(z.Sum(logit => Math.Exp(logit / temperature))) - z[labels[row]] / temperature;
        }

        return sum;
    }
}
