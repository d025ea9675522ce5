using System.Globalization;

namespace Cli;

/// <summary>A size as people write it: 100MB. Units are powers of ten, as those of disks.</summary>
internal static class ShardSize
{
    private const long Least = 10_000;
    private const long Most = 1_000_000_000_000;

    private static readonly (string Name, long Bytes)[] Units = [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

    /// <summary>Reads a size.</summary>
    /// <returns>Its bytes; null if it is none, or out of range.</returns>
    public static long? Parse(string text)
    {
        var unit = Array.Find(Units, each => text.EndsWith(each.Name, StringComparison.OrdinalIgnoreCase));
        var number = unit.Name is null ? text : text[..^unit.Name.Length];
        return decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value <= Most
            && value * Math.Max(1, unit.Bytes) is >= Least and <= Most and var bytes
            ? (long)bytes
            : null;
    }
}
