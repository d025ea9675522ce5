namespace Benchmarks.Report;

/// <summary>What becomes of repeated measurements.</summary>
internal static class Statistics
{
    /// <summary>Gets the middle value, or the mean of the two in the middle; null without values.</summary>
    public static double? Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Gets the median of the ratios of what was measured in the same repeat.</summary>
    public static double? MedianRatio(IEnumerable<double?> ours, IEnumerable<double?> theirs) =>
        Median(ours.Zip(theirs)
            .Where(pair => pair is { First: not null, Second: > 0 })
            .Select(pair => pair.First!.Value / pair.Second!.Value));

    /// <summary>Fits a straight line by least squares.</summary>
    public static (double Slope, double Intercept) Line(IReadOnlyList<(double X, double Y)> points)
    {
        var (meanX, meanY) = (points.Average(point => point.X), points.Average(point => point.Y));
        var slope = points.Sum(point => (point.X - meanX) * (point.Y - meanY)) / points.Sum(point => (point.X - meanX) * (point.X - meanX));
        return (slope, meanY - slope * meanX);
    }

    /// <summary>Gets the power that y grows with: the slope of a straight line through the logarithms. 1 is linear.</summary>
    public static double Exponent(IEnumerable<(double X, double Y)> points) =>
        Line([.. points.Select(point => (Math.Log(point.X), Math.Log(point.Y)))]).Slope;
}
