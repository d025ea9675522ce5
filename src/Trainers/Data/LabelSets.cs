using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// The combinations of labels that images have, numbered as they come. Where an image has any number of labels, what is kept as its label
/// is the number of its combination: so everything that carries a label carries several.
/// </summary>
/// <param name="labelCount">The number of labels that there are.</param>
internal sealed class LabelSets(int labelCount)
{
    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<bool[]> _sets = [];

    /// <summary>Gets the number of labels that there are.</summary>
    public int LabelCount => labelCount;

    /// <summary>Gets, for each label, whether it is in a combination.</summary>
    /// <param name="set">The number of the combination.</param>
    public ReadOnlySpan<bool> this[long set] => _sets[(int)set];

    /// <summary>Finds the number of a combination, and gives it one if it has none.</summary>
    /// <param name="labels">For each label, whether it is in the combination.</param>
    public int NumberOf(ReadOnlySpan<bool> labels)
    {
        var key = string.Concat(labels.ToArray().Select(has => has ? '1' : '0'));
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, key, out var isKnown);
        if (!isKnown)
        {
            number = _sets.Count;
            _sets.Add(labels.ToArray());
        }

        return number;
    }

    /// <summary>Counts the images that have each label.</summary>
    /// <param name="sets">The number of each image's combination.</param>
    public int[] Count(IEnumerable<int> sets)
    {
        var counts = new int[labelCount];
        foreach (var set in sets)
        {
            for (var label = 0; label < counts.Length; label++)
            {
                counts[label] += _sets[set][label] ? 1 : 0;
            }
        }

        return counts;
    }

    /// <summary>Gets, for each image and each label in turn, 1 where the image has the label, and 0 where not.</summary>
    /// <param name="sets">The number of each image's combination.</param>
    public int[] ToChoices(ReadOnlySpan<int> sets)
    {
        var choices = new int[sets.Length * labelCount];
        for (var i = 0; i < choices.Length; i++)
        {
            choices[i] = _sets[sets[i / labelCount]][i % labelCount] ? 1 : 0;
        }

        return choices;
    }
}
