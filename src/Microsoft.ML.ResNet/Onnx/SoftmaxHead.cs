using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>
/// A network's last layer, from features to a probability for each class: the sums, and the order of every step, are those of ML.NET's
/// multinomial logistic model, whose scores these are to the bit.
/// </summary>
internal sealed class SoftmaxHead
{
    // A class so much less likely than the likeliest adds nothing to the sum.
    private const float LogTolerance = 30;

    private readonly float[] _matrix;
    private readonly float[] _bias;
    private readonly int _featureCount;

    /// <param name="matrix">The weights, [classes, features].</param>
    /// <param name="bias">The biases, [classes].</param>
    public SoftmaxHead(WeightTensor matrix, WeightTensor bias)
    {
        (_matrix, _bias, _featureCount) = (matrix.Values.ToArray(), bias.Values.ToArray(), matrix.Shape[1]);
    }

    public int ClassCount => _bias.Length;

    /// <summary>Computes the probability of each class.</summary>
    public float[] Apply(ReadOnlySpan<float> features)
    {
        var scores = new float[_bias.Length];
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = _bias[i] + TensorPrimitives.Dot(_matrix.AsSpan(i * _featureCount, _featureCount), features);
        }

        var logSum = LogSumOfExponentials(scores);
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = (float)Math.Exp(scores[i] - logSum);
        }

        return scores;
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

        return others > 0 ? max + (float)Math.Log(1 + others) : max;
    }
}
