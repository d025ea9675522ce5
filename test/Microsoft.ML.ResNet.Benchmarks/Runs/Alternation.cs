namespace Benchmarks.Runs;

/// <summary>Repeats of two competitors, now one first and now the other, so that a machine that slows down slows both.</summary>
internal static class Alternation
{
    public static (List<double?> Ours, List<double?> Theirs) Measure(int repeats, Func<double?> ours, Func<double?> theirs)
    {
        var (first, second) = (new List<double?>(), new List<double?>());
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            if (repeat % 2 == 0)
            {
                first.Add(ours());
                second.Add(theirs());
            }
            else
            {
                second.Add(theirs());
                first.Add(ours());
            }
        }

        return (first, second);
    }
}
