using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>A network's last layer as a predictor computes it, from features to a probability for each class.</summary>
/// <param name="matrix">The weights, [classes, features].</param>
/// <param name="bias">The biases, [classes].</param>
internal abstract class ServedHead(WeightTensor matrix, WeightTensor bias)
{
    private const int LongVector = 256; // several of the processor's

    private readonly float[] _matrix = matrix.Values.ToArray();
    private readonly float[] _bias = bias.Values.ToArray();
    private readonly int _featureCount = matrix.Shape[1];

    public int ClassCount => _bias.Length;

    /// <summary>Makes the head of a network.</summary>
    /// <param name="weights">The weights; those of the head are looked at.</param>
    /// <param name="isMultilabel">Whether each class has a probability of its own.</param>
    /// <returns>The head; null where the weights have none.</returns>
    public static ServedHead? Of(ResNetWeights weights, bool isMultilabel)
    {
        if (!weights.TryGet(LayerPlan.HeadWeight, out var matrix))
        {
            return null;
        }

        var bias = weights[LayerPlan.HeadBias];
        return isMultilabel ? new SigmoidHead(matrix, bias) : new SoftmaxHead(matrix, bias);
    }

    /// <summary>Does what the first image would wait for.</summary>
    public static void GetReady() => TensorPrimitives.Dot(new float[LongVector], new float[LongVector]);

    /// <summary>Computes the probability of each class.</summary>
    public float[] Apply(ReadOnlySpan<float> features)
    {
        var scores = new float[_bias.Length];
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = _bias[i] + TensorPrimitives.Dot(_matrix.AsSpan(i * _featureCount, _featureCount), features);
        }

        ToProbabilities(scores);
        return scores;
    }

    /// <summary>Turns logits into probabilities, in place.</summary>
    protected abstract void ToProbabilities(Span<float> scores);
}

/// <summary>
/// Probabilities that add up to 1. The sums, and the order of every step, are those of ML.NET's multinomial logistic model, whose scores
/// these are to the bit.
/// </summary>
internal sealed class SoftmaxHead(WeightTensor matrix, WeightTensor bias) : ServedHead(matrix, bias)
{
    // A class so much less likely than the likeliest adds nothing to the sum.
    private const float LogTolerance = 30;

    protected override void ToProbabilities(Span<float> scores)
    {
        var logSum = LogSumOfExponentials(scores);
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = (float)Math.Exp(scores[i] - logSum);
        }
    }

    private static float LogSumOfExponentials(ReadOnlySpan<float> scores)
    {
        var likeliest = 0;
        for (var i = 1; i < scores.Length; i++)
        {
            likeliest = scores[i] > scores[likeliest] ? i : likeliest;
        }

        var (max, others) = (scores[likeliest], 0.0);
        for (var i = 0; i < scores.Length; i++)
        {
            if (i != likeliest && scores[i] > max - LogTolerance)
            {
                others += Math.Exp(scores[i] - max);
            }
        }

        return others > 0 ? (float)(max + Math.Log(1 + others)) : max; // rounded once
    }
}

/// <summary>A probability for each label by itself: an image has any number of them.</summary>
internal sealed class SigmoidHead(WeightTensor matrix, WeightTensor bias) : ServedHead(matrix, bias)
{
    protected override void ToProbabilities(Span<float> scores)
    {
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = (float)(1 / (1 + Math.Exp(-scores[i])));
        }
    }
}
