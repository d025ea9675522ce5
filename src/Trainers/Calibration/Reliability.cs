using System.Collections.Immutable;
using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Calibration;

/// <summary>
/// Counts predictions by their confidence: how often a network is right when it says 90 %. Rows are added one by one and none is kept.
/// </summary>
internal sealed class Reliability(int bins = Reliability.DefaultBins)
{
    /// <summary>As Guo et al. (2017) take, section 5.</summary>
    public const int DefaultBins = 15;

    private readonly long[] _counts = new long[bins];
    private readonly long[] _correct = new long[bins];
    private readonly double[] _confidence = new double[bins];

    /// <summary>Adds a prediction.</summary>
    /// <param name="confidence">The probability of the predicted class; 0 to 1.</param>
    /// <param name="correct">Whether it was right.</param>
    public void Add(double confidence, bool correct)
    {
        // Bin m holds ((m − 1) / M, m / M], as in the paper.
        var bin = Math.Clamp((int)Math.Ceiling(confidence * bins) - 1, 0, bins - 1);
        _counts[bin]++;
        _correct[bin] += correct ? 1 : 0;
        _confidence[bin] += confidence;
    }

    /// <summary>Gets the bins, in the order of confidence.</summary>
    public ImmutableArray<ReliabilityBin> Bins => [.. Enumerable.Range(0, bins).Select(bin => new ReliabilityBin(
        (double)bin / bins,
        (double)(bin + 1) / bins,
        _counts[bin],
        _counts[bin] == 0 ? 0 : _confidence[bin] / _counts[bin],
        _counts[bin] == 0 ? 0 : (double)_correct[bin] / _counts[bin]))];

    /// <summary>
    /// Gets the expected calibration error: the mean over all predictions of |accuracy − confidence| of their bin (equation 3). 0 is
    /// perfect.
    /// </summary>
    public double ExpectedCalibrationError
    {
        get
        {
            var (gap, count) = (0.0, 0L);
            for (var bin = 0; bin < bins; bin++)
            {
                gap += Math.Abs(_correct[bin] - _confidence[bin]);
                count += _counts[bin];
            }

            return count == 0 ? 0 : gap / count;
        }
    }

    /// <summary>Counts the predictions of a table of probabilities.</summary>
    /// <param name="probabilities">[rows × classes].</param>
    /// <param name="labels">The right class of each row, from 0.</param>
    /// <param name="bins">The number of bins.</param>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static Reliability Of(ReadOnlySpan<float> probabilities, ReadOnlySpan<int> labels, int bins = DefaultBins)
    {
        if (labels.IsEmpty || probabilities.Length % labels.Length != 0)
        {
            throw new ArgumentException(
                $"{probabilities.Length} probabilities are no table with a row for each of {labels.Length} labels.", nameof(probabilities));
        }

        var classes = probabilities.Length / labels.Length;
        var reliability = new Reliability(bins);
        for (var row = 0; row < labels.Length; row++)
        {
            var scores = probabilities.Slice(row * classes, classes);
            var predicted = TensorPrimitives.IndexOfMax(scores);
            reliability.Add(scores[predicted], predicted == labels[row]);
        }

        return reliability;
    }
}
