namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>A vertical axis that begins and ends with a tick, so that no value lies beyond the last number that can be read.</summary>
/// <param name="Bottom">The lowest tick.</param>
/// <param name="Top">The highest tick.</param>
/// <param name="Step">The distance between ticks.</param>
internal readonly record struct ValueScale(double Bottom, double Top, double Step)
{
    // Steps, at most; with one tick more.
    private const int MostSteps = 6;
    private const double Rounding = 1e-9;

    /// <summary>
    /// Gets the value at the axis's upper end: a little above the last tick, so that a line upon it is drawn in its whole width.
    /// </summary>
    public double End => Top + 0.015 * (Top - Bottom);

    /// <summary>Finds the scale of values from zero up to the largest.</summary>
    public static ValueScale FromZero(IEnumerable<double> values) => Around(values.Append(0));

    /// <summary>Finds the scale from the smallest value to the largest. What is not finite does not count.</summary>
    public static ValueScale Around(IEnumerable<double> values)
    {
        var finite = values.Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (least, most) = (finite.Min(), finite.Max());
        if (most <= least)
        {
            (least, most) = (Math.Min(least, 0), most == 0 ? 1 : Math.Max(most, 0)); // one value alone: down to zero
        }

        foreach (var step in Steps(most - least))
        {
            var (bottom, top) = (Math.Floor(least / step + Rounding) * step, Math.Ceiling(most / step - Rounding) * step);
            if ((top - bottom) / step <= MostSteps + Rounding)
            {
                return new ValueScale(bottom, top, step);
            }
        }

        return new ValueScale(least, most, most - least);
    }

    // 1, 2 and 5 times powers of ten, from too small to too large ones.
    private static IEnumerable<double> Steps(double range)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(range)) - 1);
        foreach (var factor in (double[])[1, 2, 5, 10, 20, 50, 100])
        {
            yield return factor * power;
        }
    }
}
