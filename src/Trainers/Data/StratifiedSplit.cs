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
}
