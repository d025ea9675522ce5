namespace Benchmarks.Scaling;

/// <summary>docs/scaling.md, whose tables stand between marks; the rest of it is written by people.</summary>
internal static class ScalingPage
{
    /// <summary>Puts the tables of the model into the page.</summary>
    public static string WithTables(string page) =>
        ScalingTables.All.Aggregate(page, (text, table) => Replace(text, table.Name, table.Markdown));

    private static string Replace(string page, string name, string content)
    {
        var (begin, end) = ($"<!-- begin {name} -->\n", $"\n<!-- end {name} -->");
        var start = page.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var stop = page.IndexOf(end, StringComparison.Ordinal);
        return start >= begin.Length && stop >= start - 1
            ? $"{page[..start]}{content}{page[stop..]}"
            : throw new InvalidDataException(
                $"docs/scaling.md has no place for the table '{name}': it needs the lines {begin.Trim()} and {end.Trim()}.");
    }
}
