namespace Samples;

/// <summary>The heads of a table's columns, where each is a class.</summary>
internal static class ColumnHeads
{
    private const int Shortest = 3;

    /// <summary>Gets the names whole where there is room, and otherwise all cut to the same length.</summary>
    /// <param name="names">The names.</param>
    /// <param name="room">The columns of text that all of them may take; null for any number.</param>
    /// <param name="between">The columns of text between two of them.</param>
    /// <returns>The heads; null if even short ones have no room.</returns>
    public static string[]? Fit(IReadOnlyCollection<string> names, int? room, int between)
    {
        var longest = names.Select(name => name.Length).DefaultIfEmpty().Max();
        for (var length = longest; length >= Math.Min(Shortest, longest); length--)
        {
            if (room is null || names.Sum(name => Math.Min(name.Length, length) + between) <= room)
            {
                return [.. names.Select(name => name.Length <= length ? name : $"{name[..(length - 1)]}…")];
            }
        }

        return null;
    }
}
