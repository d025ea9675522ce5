namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>Shares out pieces of work of different sizes.</summary>
internal static class EvenShares
{
    /// <summary>Gives each piece, the largest first, to whom has the least so far.</summary>
    /// <param name="sizes">The sizes of the pieces.</param>
    /// <param name="workers">How many share them.</param>
    /// <returns>The worker of each piece.</returns>
    public static int[] Of(IEnumerable<long> sizes, int workers)
    {
        var pieces = sizes.ToArray();
        var (worker, load) = (new int[pieces.Length], new long[workers]);
        foreach (var piece in Enumerable.Range(0, pieces.Length).OrderByDescending(i => pieces[i]))
        {
            var least = Array.IndexOf(load, load.Min());
            (worker[piece], load[least]) = (least, load[least] + pieces[piece]);
        }

        return worker;
    }
}
