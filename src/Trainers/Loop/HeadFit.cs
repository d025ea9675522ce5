using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Fits a head to features at once: multinomial logistic regression by L-BFGS (Nocedal and Wright, 2006, algorithm 7.5). The loss is
/// convex, so there is no rate to choose, and one result. Where an image has any number of labels, it is a logistic regression for each.
/// </summary>
/// <remarks>
/// Features are standardized first, so that one strength of the penalty suits every network; the head that comes out reads them as they
/// are. Sums are made in parts whose number does not depend on the machine: the same features give the same head.
/// </remarks>
internal sealed class HeadFit
{
    /// <summary>The penalty on the squared weights of standardized features, for each image.</summary>
    public const double Penalty = 0.01;

    private const int MostSteps = 100, History = 10, Parts = 16;
    private const double EnoughGradient = 1e-5;
    private const float SmallestDeviation = 1e-6f;

    private readonly float[][] _features; // standardized
    private readonly int[] _labels;
    private readonly LabelSets? _labelSets;
    private readonly LabelWeights? _labelWeights;
    private readonly float[] _weights;
    private readonly double _totalWeight;
    private readonly int _classes, _size;
    private readonly float[] _mean, _deviation;

    /// <param name="features">The features of each image; they are standardized in place.</param>
    /// <param name="labels">The class of each.</param>
    /// <param name="weights">The weight of each in the loss.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="labelSets">The combinations of labels, whose numbers the labels are; null where each image has one label.</param>
    /// <param name="labelWeights">What labels count there; null where all count the same.</param>
    public HeadFit(
        float[][] features,
        int[] labels,
        float[] weights,
        int classes,
        LabelSets? labelSets = null,
        LabelWeights? labelWeights = null)
    {
        (_labelSets, _labelWeights) = (labelSets, labelWeights);
        (_features, _labels, _weights, _classes, _size) = (features, labels, weights, classes, features[0].Length);
        _totalWeight = weights.Sum(weight => (double)weight);
        (_mean, _deviation) = (new float[_size], new float[_size]);
        Standardize();
    }

    /// <summary>Fits the head.</summary>
    /// <param name="penalty">The strength of the penalty.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <returns>A matrix [classes, features] and a bias, for features as they are.</returns>
    public (float[] Matrix, float[] Bias) Solve(double penalty = Penalty, CancellationToken cancellation = default)
    {
        var x = new double[_classes * (_size + 1)];
        var gradient = new double[x.Length];
        var loss = Evaluate(x, penalty, gradient);
        var (steps, changes) = (new List<double[]>(), new List<double[]>());
        for (var step = 0; step < MostSteps && TensorPrimitives.Norm<double>(gradient) > EnoughGradient; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            var direction = Direction(gradient, steps, changes);
            if (TakeStep(x, ref loss, gradient, direction, penalty) is not { } taken)
            {
                break; // as low as float arithmetic gets
            }

            if (TensorPrimitives.Dot<double>(taken.Moved, taken.Changed) > 0)
            {
                steps.Add(taken.Moved);
                changes.Add(taken.Changed);
                if (steps.Count > History)
                {
                    steps.RemoveAt(0);
                    changes.RemoveAt(0);
                }
            }
        }

        return Unstandardized(x);
    }

    // The two-loop recursion.
    private static double[] Direction(double[] gradient, List<double[]> steps, List<double[]> changes)
    {
        double[] direction = [.. gradient];
        var shares = new double[steps.Count];
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            shares[i] = TensorPrimitives.Dot<double>(steps[i], direction) / TensorPrimitives.Dot<double>(steps[i], changes[i]);
            TensorPrimitives.MultiplyAdd<double>(changes[i], -shares[i], direction, direction);
        }

        var scale = steps.Count == 0
            ? 1 / Math.Max(1, TensorPrimitives.Norm<double>(gradient))
            : TensorPrimitives.Dot<double>(steps[^1], changes[^1]) / TensorPrimitives.Dot<double>(changes[^1], changes[^1]);
        TensorPrimitives.Multiply<double>(direction, scale, direction);
        for (var i = 0; i < steps.Count; i++)
        {
            var share = TensorPrimitives.Dot<double>(changes[i], direction) / TensorPrimitives.Dot<double>(steps[i], changes[i]);
            TensorPrimitives.MultiplyAdd<double>(steps[i], shares[i] - share, direction, direction);
        }

        TensorPrimitives.Negate<double>(direction, direction);
        return direction;
    }

    // Halves the step until the loss falls enough (Armijo).
    private (double[] Moved, double[] Changed)? TakeStep(
        double[] x, ref double loss, double[] gradient, double[] direction, double penalty)
    {
        const double enough = 1e-4;
        const int halvings = 20;
        var slope = TensorPrimitives.Dot<double>(gradient, direction);
        var (tried, newGradient, size) = (new double[x.Length], new double[x.Length], 1.0);
        for (var halving = 0; halving < halvings; halving++, size /= 2)
        {
            TensorPrimitives.MultiplyAdd<double>(direction, size, x, tried);
            var newLoss = Evaluate(tried, penalty, newGradient);
            if (newLoss > loss + enough * size * slope)
            {
                continue;
            }

            var (moved, changed) = (new double[x.Length], new double[x.Length]);
            TensorPrimitives.Subtract<double>(tried, x, moved);
            TensorPrimitives.Subtract<double>(newGradient, gradient, changed);
            tried.CopyTo(x, 0);
            newGradient.CopyTo(gradient, 0);
            loss = newLoss;
            return (moved, changed);
        }

        return null;
    }

    private double Evaluate(double[] x, double penalty, double[] gradient)
    {
        var matrix = new float[_classes * _size];
        TensorPrimitives.ConvertTruncating<double, float>(x.AsSpan(0, matrix.Length), matrix);
        var (losses, gradients) = (new double[Parts], new float[Parts][]);
        Parallel.For(0, Parts, part =>
        {
            var (start, end) = ((int)((long)_features.Length * part / Parts), (int)((long)_features.Length * (part + 1) / Parts));
            gradients[part] = new float[x.Length];
            losses[part] = EvaluatePart(matrix, x.AsSpan(matrix.Length), gradients[part], start, end);
        });

        Array.Clear(gradient);
        foreach (var part in gradients)
        {
            for (var i = 0; i < gradient.Length; i++)
            {
                gradient[i] += part[i] / _totalWeight;
            }
        }

        var squares = 0.0;
        for (var i = 0; i < matrix.Length; i++)
        {
            gradient[i] += penalty * x[i];
            squares += x[i] * x[i];
        }

        return losses.Sum() / _totalWeight + penalty / 2 * squares;
    }

    private double EvaluatePart(float[] matrix, ReadOnlySpan<double> bias, float[] gradient, int start, int end)
    {
        var (loss, logits) = (0.0, new float[_classes]);
        for (var image = start; image < end; image++)
        {
            var (features, label) = (_features[image], _labels[image]);
            for (var i = 0; i < logits.Length; i++)
            {
                logits[i] = TensorPrimitives.Dot<float>(matrix.AsSpan(i * _size, _size), features) + (float)bias[i];
            }

            loss += _weights[image] * (_labelSets is null ? ToErrors(logits, label) : ToErrors(logits, _labelSets[label]));
            for (var i = 0; i < logits.Length; i++)
            {
                var error = logits[i] * _weights[image];
                var row = gradient.AsSpan(i * _size, _size);
                TensorPrimitives.MultiplyAdd<float>(features, error, row, row);
                gradient[_classes * _size + i] += error;
            }
        }

        return loss;
    }

    // From logits to what is wrong with the probabilities; returns the loss.
    private static double ToErrors(float[] logits, int label)
    {
        TensorPrimitives.SoftMax<float>(logits, logits);
        var loss = -Math.Log(Math.Max(logits[label], float.Epsilon));
        logits[label] -= 1;
        return loss;
    }

    private double ToErrors(float[] logits, ReadOnlySpan<bool> labels)
    {
        var loss = 0.0;
        for (var label = 0; label < logits.Length; label++)
        {
            var signed = labels[label] ? -(double)logits[label] : logits[label];
            var weight = _labelWeights?[label, labels[label]] ?? 1;
            loss += weight * (Math.Max(signed, 0) + Math.Log(1 + Math.Exp(-Math.Abs(signed))));
            logits[label] = weight * ((float)(1 / (1 + Math.Exp(-logits[label]))) - (labels[label] ? 1 : 0));
        }

        return loss;
    }

    private void Standardize()
    {
        var (sum, squares) = (new double[_size], new double[_size]);
        foreach (var features in _features)
        {
            for (var i = 0; i < _size; i++)
            {
                sum[i] += features[i];
                squares[i] += (double)features[i] * features[i];
            }
        }

        for (var i = 0; i < _size; i++)
        {
            var mean = sum[i] / _features.Length;
            _mean[i] = (float)mean;
            _deviation[i] = (float)Math.Sqrt(Math.Max(0, squares[i] / _features.Length - mean * mean));
            if (_deviation[i] < SmallestDeviation)
            {
                _deviation[i] = 1; // a feature that is always the same tells nothing
            }
        }

        foreach (var features in _features)
        {
            TensorPrimitives.Subtract<float>(features, _mean, features);
            TensorPrimitives.Divide<float>(features, _deviation, features);
        }
    }

    // w·(f − μ)/σ + b = (w/σ)·f + (b − w·μ/σ).
    private (float[] Matrix, float[] Bias) Unstandardized(double[] x)
    {
        var (matrix, bias) = (new float[_classes * _size], new float[_classes]);
        for (var row = 0; row < _classes; row++)
        {
            var offset = x[matrix.Length + row];
            for (var i = 0; i < _size; i++)
            {
                var weight = x[row * _size + i] / _deviation[i];
                matrix[row * _size + i] = (float)weight;
                offset -= weight * _mean[i];
            }

            bias[row] = (float)offset;
        }

        return (matrix, bias);
    }
}
