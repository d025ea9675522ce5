namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// What a label counts in the loss where an image has it, and where not, so that both weigh the same in sum over the training images:
/// <see cref="ClassBalance.Weights"/> where an image has any number of labels.
/// </summary>
/// <remarks>
/// As with one label, where an image counts by the reciprocal of its class's share: a label has two classes, there and not there. All
/// images together weigh as much as without these weights, so that learning rates hold.
/// </remarks>
internal sealed class LabelWeights
{
    private readonly float[] _present, _absent;

    private LabelWeights(float[] present, float[] absent) => (_present, _absent) = (present, absent);

    /// <summary>Measures the weights.</summary>
    /// <param name="labelSets">The combinations of labels.</param>
    /// <param name="sets">The number of each training image's combination.</param>
    public static LabelWeights Of(LabelSets labelSets, IReadOnlyCollection<int> sets)
    {
        var counts = labelSets.Count(sets);
        return new LabelWeights(
            [.. counts.Select(count => Weight(sets.Count, count))],
            [.. counts.Select(count => Weight(sets.Count, sets.Count - count))]);
    }

    /// <summary>Gets the weight of a label where an image has it, or has it not.</summary>
    public float this[int label, bool has] => has ? _present[label] : _absent[label];

    // A label that no image has, or every image, has one value only, which counts as without weights.
    private static float Weight(int images, int count) => count == 0 || count == images ? 1 : (float)images / (2 * count);
}
