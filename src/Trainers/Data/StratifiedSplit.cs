namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Holds out the same share of every class.</summary>
internal static class StratifiedSplit
{
    /// <summary>Draws the rows to hold out.</summary>
    /// <param name="labels">The class of each row.</param>
    /// <param name="fraction">The share to hold out of each class, rounded; a class always keeps at least one row.</param>
    /// <param name="random">The source of random numbers.</param>
    /// <returns>For each row, whether it is held out.</returns>
    public static bool[] Draw(IReadOnlyList<int> labels, double fraction, Random random)
    {
        var heldOut = new bool[labels.Count];
        foreach (var rows in Enumerable.Range(0, labels.Count).GroupBy(row => labels[row]).OrderBy(rows => rows.Key))
        {
            var shuffled = rows.ToArray();
            random.Shuffle(shuffled);
            var count = Math.Min((int)Math.Round(fraction * shuffled.Length), shuffled.Length - 1);
            foreach (var row in shuffled.AsSpan(0, count))
            {
                heldOut[row] = true;
            }
        }

        return heldOut;
    }

    /// <summary>Draws the rows to hold out where rows may have any number of labels.</summary>
    /// <param name="labels">The class of each row, or the number of its combination of labels.</param>
    /// <param name="labelSets">The combinations; null where each row has one label.</param>
    /// <param name="fraction">The share to hold out of each label, rounded; a label always keeps at least one row.</param>
    /// <param name="random">The source of random numbers.</param>
    /// <returns>For each row, whether it is held out.</returns>
    public static bool[] Draw(int[] labels, LabelSets? labelSets, double fraction, Random random) =>
        labelSets is null ? Draw(labels, fraction, random) : DrawSeveral(labels, labelSets, fraction, random);

    // The rarest label first, as a row that is held out for it is held out for its other labels too: what is still wanted of those is less
    // then (iterative stratification: Sechidis, Tsoumakas and Vlahavas, 2011). Rows without a label come last.
    private static bool[] DrawSeveral(int[] sets, LabelSets labelSets, double fraction, Random random)
    {
        var heldOut = new bool[sets.Length];
        var counts = labelSets.Count(sets);
        var wanted = Array.ConvertAll(counts, count => (int)Math.Round(fraction * count));
        var kept = (int[])counts.Clone();
        var rows = Enumerable.Range(0, sets.Length).ToArray();
        random.Shuffle(rows);
        foreach (var label in Enumerable.Range(0, counts.Length).OrderBy(label => counts[label]))
        {
            foreach (var row in rows)
            {
                if (wanted[label] > 0 && !heldOut[row] && labelSets[sets[row]][label] && MayLeave(labelSets[sets[row]], kept))
                {
                    heldOut[row] = true;
                    Leave(labelSets[sets[row]], kept, wanted);
                }
            }
        }

        int[] without = [.. rows.Where(row => !labelSets[sets[row]].Contains(true))];
        foreach (var row in without.AsSpan(0, (int)Math.Round(fraction * without.Length)))
        {
            heldOut[row] = true;
        }

        return heldOut;
    }

    private static bool MayLeave(ReadOnlySpan<bool> labels, int[] kept)
    {
        for (var label = 0; label < kept.Length; label++)
        {
            if (labels[label] && kept[label] == 1)
            {
                return false;
            }
        }

        return true;
    }

    private static void Leave(ReadOnlySpan<bool> labels, int[] kept, int[] wanted)
    {
        for (var label = 0; label < kept.Length; label++)
        {
            var one = labels[label] ? 1 : 0;
            kept[label] -= one;
            wanted[label] -= one;
        }
    }
}
