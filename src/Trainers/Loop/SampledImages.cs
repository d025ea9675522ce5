using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Some of the validation images, spread evenly over all of them, and what the network last predicted of each. They are validated with the
/// others, so that nothing is computed twice.
/// </summary>
internal sealed class SampledImages
{
    private readonly int[] _places;
    private readonly ImmutableArray<long> _rows;
    private readonly bool _hasSeveralLabels;
    private float[][] _scores;

    /// <param name="count">How many of them; fewer where there are not so many.</param>
    /// <param name="rows">The row of each validation image in its data.</param>
    /// <param name="hasSeveralLabels">Whether an image may have any number of labels.</param>
    public SampledImages(int count, ImmutableArray<long> rows, bool hasSeveralLabels)
    {
        count = Math.Min(count, rows.Length);
        _places = [.. Enumerable.Range(0, count).Select(sample => (int)(((2L * sample) + 1) * rows.Length / (2L * count)))];
        (_rows, _hasSeveralLabels) = (rows, hasSeveralLabels);
        _scores = new float[count][];
    }

    /// <summary>Takes those of a batch.</summary>
    /// <param name="logits">[count, classes].</param>
    /// <param name="first">The place of the batch's first image among all of them.</param>
    public void Take(Tensor logits, int first)
    {
        for (var sample = 0; sample < _places.Length; sample++)
        {
            if (_places[sample] - first is var index && index >= 0 && index < logits.shape[0])
            {
                using var scope = NewDisposeScope();
                var own = logits.narrow(0, index, 1);
                _scores[sample] = [.. (_hasSeveralLabels ? own.sigmoid() : own.softmax(1)).ToCpu().contiguous().data<float>().ToArray()];
            }
        }
    }

    /// <summary>Gives every rank what each of them took.</summary>
    public void Share(ICollective ranks, int classes)
    {
        double[] own =
        [
            .. _scores.SelectMany(scores =>
                scores is null ? new double[classes] : Array.ConvertAll(scores, score => (double)score)),
        ];
        var all = new double[own.Length];
        ranks.AllReduce(own, all);
        _scores = [.. Array.ConvertAll(all, score => (float)score).Chunk(classes)];
    }

    /// <summary>Gets what was taken.</summary>
    public ImmutableArray<SamplePrediction> ToPredictions() =>
        [.. _places.Select((place, sample) => new SamplePrediction(_rows[place], [.. _scores[sample]]))];
}
