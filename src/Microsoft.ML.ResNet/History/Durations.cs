using static System.FormattableString;

namespace Microsoft.ML.ResNet.History;

/// <summary>Writes times as people read them.</summary>
internal static class Durations
{
    /// <summary>Writes a time with two units at most: 1.52 s, 11 min 46 s, 2 h 5 min.</summary>
    public static string Text(TimeSpan time) => time.TotalSeconds < 9.995
        ? Invariant($"{time.TotalSeconds:0.##} s")
        : Whole(TimeSpan.FromSeconds(Math.Round(time.TotalSeconds)));

    private static string Whole(TimeSpan time) => time switch
    {
        { TotalMinutes: < 1 } => Invariant($"{time.Seconds} s"),
        { TotalHours: < 1, Seconds: 0 } => Invariant($"{time.Minutes} min"),
        { TotalHours: < 1 } => Invariant($"{time.Minutes} min {time.Seconds} s"),
        _ => Invariant($"{Math.Floor(time.TotalHours):0} h {time.Minutes} min"),
    };
}
