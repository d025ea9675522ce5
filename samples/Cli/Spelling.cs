namespace Cli;

/// <summary>Finds what was meant by a word that is nearly right.</summary>
internal static class Spelling
{
    /// <summary>Gets " Did you mean …?", or nothing where no word is near.</summary>
    public static string Suggestion(string written, IEnumerable<string> words)
    {
        var near = words.Select(word => (Word: word, Distance: Distance(written.ToLowerInvariant(), word.ToLowerInvariant())))
            .Where(each => each.Distance <= Math.Max(1, Math.Min(3, each.Word.Length / 3)))
            .OrderBy(each => each.Distance).Select(each => each.Word).Take(3).ToArray();
        return near.Length == 0 ? "" : $" Did you mean {OneOf(near)}?";
    }

    /// <summary>Lists words: a, b or c.</summary>
    public static string OneOf(IReadOnlyList<string> words) =>
        words.Count < 2 ? string.Concat(words) : $"{string.Join(", ", words.SkipLast(1))} or {words[^1]}";

    // Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment).
    private static int Distance(string left, string right)
    {
        var rows = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
        {
            for (var j = 0; j <= right.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1]
                    + (left[i - 1] == right[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[left.Length, right.Length];
    }
}
