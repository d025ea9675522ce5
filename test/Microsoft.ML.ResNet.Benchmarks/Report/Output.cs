using System.Globalization;

namespace Benchmarks.Report;

/// <summary>How figures are written.</summary>
internal static class Output
{
    public static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static void Say(string line) => Console.Error.WriteLine(line);

    /// <summary>Writes a rate: images per second.</summary>
    public static string Rate(double? rate) =>
        rate is { } value && double.IsFinite(value) ? value.ToString(value >= 100 ? "#,0" : value >= 10 ? "0.0" : "0.00", Culture) : "–";

    /// <summary>
    /// Writes a ratio beside what it must reach, with a check or a cross, and what it could reach at most where that is less.
    /// </summary>
    public static string Ratio(double? ratio, double? mustReach = null, double? atMost = null) =>
        ratio is not { } value || !double.IsFinite(value)
            ? "–"
            : $"{value.ToString("0.00", Culture)}{(mustReach is { } goal ? $" {Goal(value, goal, atMost)}" : "")}";

    private static string Goal(double value, double goal, double? atMost) =>
        $"{(value >= goal ? "✓" : "✗")} (≥ {goal.ToString("0.##", Culture)}"
        + $"{(atMost < goal ? $"; peak {atMost.Value.ToString("0.0", Culture)}" : "")})";

    /// <summary>Writes a quantity that must stay below a bound, with a check or a cross.</summary>
    public static string AtMost(double value, double bound, string format, string unit) =>
        $"{value.ToString(format, Culture)} {unit} {(value <= bound ? "✓" : "✗")} (≤ {bound.ToString(format, Culture)})";

    public static string Seconds(double seconds) => $"{seconds.ToString(seconds >= 10 ? "0.0" : "0.000", Culture)} s";

    public static string Megabytes(double bytes) => $"{(bytes / (1 << 20)).ToString("#,0", Culture)} MB";

    public static string Percent(double share) => share.ToString("0.0 %", Culture);
}
