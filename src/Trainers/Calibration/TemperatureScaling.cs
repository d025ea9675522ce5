using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Calibration;

/// <summary>
/// Makes probabilities honest with one number: logits are divided by a temperature before the softmax, which changes no prediction
/// (Guo et al., "On Calibration of Modern Neural Networks", 2017, section 4.2; https://arxiv.org/abs/1706.04599).
/// </summary>
internal static class TemperatureScaling
{
    /// <summary>Where all answers are right, the likelihood wants certainty, and grows for ever as the temperature falls.</summary>
    public const double Lowest = 0.05;

    public const double Highest = 20;

    private const double Tolerance = 1e-10;
    private const int MostIterations = 100;

    /// <summary>Finds the temperature that makes the labels the most likely.</summary>
    /// <remarks>
    /// The mean negative log-likelihood is convex in the inverse temperature β: its derivative, the mean over rows of E[z] − z(label) under
    /// softmax(βz), has the derivative Var[z] ≥ 0. Newton's method on β, held inside a bracket by bisection, therefore finds the one
    /// minimum.
    /// </remarks>
    /// <param name="logits">[rows × classes], or log-probabilities: they differ by a constant per row, which a softmax forgets.</param>
    /// <param name="labels">The right class of each row, from 0.</param>
    /// <returns>The temperature, from <see cref="Lowest"/> to <see cref="Highest"/>. Above 1, the network was too sure of itself.</returns>
    /// <exception cref="ArgumentException">There are no rows, the sizes do not fit, a label is no class, or a logit is not
    /// finite.</exception>
    public static double Fit(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels)
    {
        Check(logits, labels);
        var (low, high) = (1 / Highest, 1 / Lowest);
        if (Derivatives(logits, labels, low).Slope >= 0)
        {
            return Highest;
        }

        if (Derivatives(logits, labels, high).Slope <= 0)
        {
            return Lowest;
        }

        var beta = 1.0;
        for (var iteration = 0; iteration < MostIterations; iteration++)
        {
            var (slope, curvature) = Derivatives(logits, labels, beta);
            (low, high) = slope > 0 ? (low, beta) : (beta, high);
            var next = beta - slope / curvature;
            if (!(next > low && next < high))
            {
                next = (low + high) / 2;
            }

            if (Math.Abs(next - beta) <= Tolerance * beta)
            {
                return 1 / next;
            }

            beta = next;
        }

        return 1 / beta;
    }

    /// <summary>Finds the temperature of a network whose images may have any number of labels.</summary>
    /// <param name="logits">[rows × classes].</param>
    /// <param name="labels">The right class of each row, or the number of its combination of labels.</param>
    /// <param name="labelSets">The combinations; null where each row has one label.</param>
    /// <returns>The temperature.</returns>
    /// <inheritdoc cref="Fit(ReadOnlySpan{float}, ReadOnlySpan{int})" path="/exception"/>
    public static double Fit(float[] logits, int[] labels, LabelSets? labelSets)
    {
        if (labelSets is null)
        {
            return Fit(logits, labels);
        }

        // A label is a choice between two classes, whose logits are 0 and its own: softmax(0, z) is sigmoid(z).
        var choices = new float[2 * logits.Length];
        for (var i = 0; i < logits.Length; i++)
        {
            choices[2 * i + 1] = logits[i];
        }

        return Fit(choices, labelSets.ToChoices(labels));
    }

    /// <summary>Turns probabilities into logits. One that a float rounds to zero becomes the smallest that it can be.</summary>
    public static void ToLogits(ReadOnlySpan<float> probabilities, Span<float> logits)
    {
        TensorPrimitives.Max(probabilities, float.Epsilon, logits);
        TensorPrimitives.Log(logits, logits);
    }

    /// <summary>Computes softmax(logits / temperature) of one row.</summary>
    public static void Apply(ReadOnlySpan<float> logits, double temperature, Span<float> probabilities)
    {
        // TensorPrimitives.SoftMax overflows where the largest logit is large.
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), probabilities);
        TensorPrimitives.Divide(probabilities, (float)temperature, probabilities);
        TensorPrimitives.SoftMax(probabilities, probabilities);
    }

    /// <summary>Folds a temperature into the head: its weights and biases are divided by it, and so are the logits.</summary>
    /// <param name="weights">The network's weights.</param>
    /// <param name="head">The layer that makes the logits.</param>
    /// <param name="temperature">The temperature, greater than 0.</param>
    /// <returns>New weights; all tensors but the head's are the same objects.</returns>
    public static ResNetWeights Fold(ResNetWeights weights, LinearLayer head, double temperature)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        var names = head.Weights.Select(spec => spec.Name).ToHashSet();
        return new ResNetWeights(
            weights.Tensors.Select(tensor => names.Contains(tensor.Name) ? Divide(tensor, (float)temperature) : tensor))
        {
            Preprocessing = weights.Preprocessing,
            ClassNames = weights.ClassNames,
        };
    }

    private static void Check(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels)
    {
        if (labels.IsEmpty || logits.IsEmpty || logits.Length % labels.Length != 0)
        {
            throw new ArgumentException(
                $"{logits.Length} logits are no table of at least one class for each of {labels.Length} labels.", nameof(logits));
        }

        var classes = logits.Length / labels.Length;
        foreach (var label in labels)
        {
            if (label < 0 || label >= classes)
            {
                throw new ArgumentException($"There is a label {label}, but the classes are 0 to {classes - 1}.", nameof(labels));
            }
        }

        foreach (var logit in logits)
        {
            if (!float.IsFinite(logit))
            {
                throw new ArgumentException(
                    $"There is a logit {logit}, but they must be finite. Of probabilities, take the logarithm of at least float.Epsilon.",
                    nameof(logits));
            }
        }
    }

    // Of the mean negative log-likelihood of softmax(βz), by β.
    private static (double Slope, double Curvature) Derivatives(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, double beta)
    {
        var classes = logits.Length / labels.Length;
        var (slope, curvature) = (0.0, 0.0);
        for (var row = 0; row < labels.Length; row++)
        {
            var z = logits.Slice(row * classes, classes);
            var largest = TensorPrimitives.Max(z);
            var (sum, first, second) = (0.0, 0.0, 0.0);
            foreach (var value in z)
            {
                var distance = (double)value - largest;                // moments about the largest, where no digits cancel
                var weight = Math.Exp(beta * distance);
                sum += weight;
                first += weight * distance;
                second += weight * distance * distance;
            }

            var mean = first / sum;
            slope += mean - (z[labels[row]] - (double)largest);
            curvature += second / sum - mean * mean;
        }

        return (slope / labels.Length, curvature / labels.Length);
    }

    private static WeightTensor Divide(WeightTensor tensor, float temperature)
    {
        var values = new float[tensor.Values.Length];
        TensorPrimitives.Divide(tensor.Values.Span, temperature, values);
        return new WeightTensor(tensor.Name, tensor.Shape, values);
    }
}
