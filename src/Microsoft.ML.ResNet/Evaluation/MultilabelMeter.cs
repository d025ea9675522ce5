using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Evaluation;

/// <summary>Measures how well labels are told. Every score is kept, 5 bytes for each label of each image: ranks need all of them.</summary>
/// <param name="names">The names of the labels.</param>
/// <param name="threshold">The probability above which a label is predicted.</param>
internal sealed class MultilabelMeter(ImmutableArray<string> names, float threshold)
{
    // A probability that a float rounds to 0 or 1 would make an infinite loss.
    private const double LeastProbability = 1e-15;

    private readonly List<float>[] _scores = [.. names.Select(_ => new List<float>())];
    private readonly List<bool>[] _truths = [.. names.Select(_ => new List<bool>())];
    private LabelCounts _counts;

    /// <summary>Gets the number of images.</summary>
    public long Images => _counts.Images;

    /// <summary>Adds an image.</summary>
    /// <param name="scores">A probability for each label.</param>
    /// <param name="labels">Whether it has each.</param>
    public void Add(ReadOnlySpan<float> scores, ReadOnlySpan<bool> labels)
    {
        var (wrong, loss) = (0, 0.0);
        for (var label = 0; label < names.Length; label++)
        {
            _scores[label].Add(scores[label]);
            _truths[label].Add(labels[label]);
            wrong += scores[label] > threshold == labels[label] ? 0 : 1;
            loss -= Math.Log(Math.Clamp(labels[label] ? scores[label] : 1 - (double)scores[label], LeastProbability, 1));
        }

        _counts = new LabelCounts(
            _counts.Images + 1, _counts.ExactMatches + (wrong == 0 ? 1 : 0), _counts.WrongLabels + wrong, _counts.LogLossSum + loss);
    }

    /// <summary>Computes the metrics; there must be images.</summary>
    public MultilabelMetrics ToMetrics() =>
        new([.. names.Select((name, label) => Of(name, [.. _scores[label]], [.. _truths[label]]))], _counts);

    private LabelMetrics Of(string name, float[] scores, bool[] truths)
    {
        var support = truths.LongCount(truth => truth);
        var predicted = scores.LongCount(score => score > threshold);
        var right = scores.Zip(truths).LongCount(each => each.First > threshold && each.Second);
        var (precision, area) = Rank(scores, truths, support);
        return new LabelMetrics(name, support, predicted, right, precision, area);
    }

    // From the likeliest image on; images of the same score come together.
    private static (double AveragePrecision, double Area) Rank(float[] scores, bool[] truths, long support)
    {
        Array.Sort(scores, truths);
        var (precision, area, positives, seen) = (0.0, 0.0, 0L, 0L);
        for (var end = scores.Length; end > 0;)
        {
            var (start, tiedPositives) = (end, 0L);
            while (start > 0 && scores[start - 1] == scores[end - 1])
            {
                tiedPositives += truths[--start] ? 1 : 0;
            }

            var tied = end - start;
            area += (tied - tiedPositives) * (positives + tiedPositives / 2.0); // an image with the same score counts for half
            (positives, seen, end) = (positives + tiedPositives, seen + tied, start);
            precision += tiedPositives * (double)positives / seen;
        }

        var others = scores.Length - support;
        return (support == 0 ? double.NaN : precision / support, support == 0 || others == 0 ? double.NaN : area / (support * others));
    }
}
