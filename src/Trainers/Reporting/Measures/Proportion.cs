namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>A share of trials that succeeded, and how well so many trials know it.</summary>
/// <param name="Successes">The trials that succeeded.</param>
/// <param name="Trials">All trials, at least 1.</param>
internal readonly record struct Proportion(long Successes, long Trials)
{
    private const double Z = 1.959963984540054;       // the 97.5 % point of the normal distribution

    public double Value => (double)Successes / Trials;

    /// <summary>
    /// Gets the interval that holds the true share with a confidence of 95 % (Wilson, 1927). Unlike the textbook's p ± 1.96 σ, it stays
    /// within 0 and 1, and has a width where all trials succeeded.
    /// </summary>
    public (double Low, double High) Interval
    {
        get
        {
            var (n, p) = ((double)Trials, Value);
            var scale = 1 + Z * Z / n;
            var center = (p + Z * Z / (2 * n)) / scale;
            var reach = Z / scale * Math.Sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
            return (Math.Max(0, center - reach), Math.Min(1, center + reach));
        }
    }
}
