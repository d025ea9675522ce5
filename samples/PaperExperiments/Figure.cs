using System.Globalization;

namespace PaperExperiments;

/// <summary>Something that the library counts, beside what the paper prints; null where it prints nothing.</summary>
internal sealed record Figure(string Name, string Computed, string? Published, bool Agrees)
{
    public static Figure Exact(string name, string computed, string published) => new(name, computed, published, computed == published);

    /// <summary>
    /// A count and a figure that was rounded or cut: they agree where they lie less than a unit of the last printed digit apart.
    /// </summary>
    /// <remarks>Table 1 does both: it prints 3.86·10⁹ as 3.8·10⁹, but 7.57·10⁹ as 7.6·10⁹.</remarks>
    /// <param name="name">What is counted.</param>
    /// <param name="count">The count.</param>
    /// <param name="published">The figure, with the digits that were printed.</param>
    /// <param name="exponent">Its unit is 10 to this power.</param>
    public static Figure Rounded(string name, long count, decimal? published, int exponent)
    {
        var computed = count.ToString("n0", CultureInfo.InvariantCulture);
        if (published is not { } printed)
        {
            return new Figure(name, computed, null, Agrees: true);
        }

        var unit = (decimal)Math.Pow(10, exponent);
        var lastDigit = (decimal)Math.Pow(10, -printed.Scale);
        return new Figure(name, computed, string.Create(CultureInfo.InvariantCulture, $"{printed}·10^{exponent}"),
            Math.Abs(count / unit - printed) < lastDigit);
    }
}
