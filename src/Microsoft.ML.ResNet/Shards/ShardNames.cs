using System.Globalization;

namespace Microsoft.ML.ResNet.Shards;

/// <summary>The names that a pattern such as <c>train-{0000..0146}.tar</c> stands for, as in a shell and in WebDataset.</summary>
internal static class ShardNames
{
    /// <summary>A petabyte, of shards of 10 GB.</summary>
    public const int Most = 100_000;

    /// <summary>Lists the names, those of the last pair of braces the fastest.</summary>
    /// <exception cref="ArgumentException">A pair of braces says nothing, or there are too many names.</exception>
    public static IReadOnlyList<string> Expand(string pattern)
    {
        List<string> names = [""];
        for (var rest = pattern.AsSpan(); !rest.IsEmpty;)
        {
            var open = rest.IndexOf('{');
            if (open < 0)
            {
                return names.ConvertAll(Appending(rest.ToString()));
            }

            var close = rest.IndexOf('}');
            if (close < open)
            {
                throw Unreadable(pattern, "a brace has no other half");
            }

            var choices = Choices(pattern, rest[(open + 1)..close]);
            if ((long)names.Count * choices.Count > Most)
            {
                throw TooMany(pattern);
            }

            var before = rest[..open].ToString();
            names = [.. names.SelectMany(name => choices.Select(choice => $"{name}{before}{choice}"))];
            rest = rest[(close + 1)..];
        }

        return names;
    }

    private static Converter<string, string> Appending(string end) => name => name + end;

    private static List<string> Choices(string pattern, ReadOnlySpan<char> braces)
    {
        if (braces.IndexOf("..") is >= 0 and var dots)
        {
            return Range(pattern, braces[..dots], braces[(dots + 2)..]);
        }

        return braces.Contains(',')
            ? [.. braces.ToString().Split(',')]
            : throw Unreadable(pattern, $"'{{{braces}}}' has neither two numbers, as {{000..146}}, nor names, as {{train,test}}");
    }

    // Of as many digits as the first number has.
    private static List<string> Range(string pattern, ReadOnlySpan<char> first, ReadOnlySpan<char> last)
    {
        if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            || from > to)
        {
            throw Unreadable(pattern, $"'{{{first}..{last}}}' must be two whole numbers, the smaller one first");
        }

        if ((long)to - from >= Most)
        {
            throw TooMany(pattern);
        }

        var digits = $"d{first.Length}";
        return [.. Enumerable.Range(from, to - from + 1).Select(number => number.ToString(digits, CultureInfo.InvariantCulture))];
    }

    private static ArgumentException Unreadable(string pattern, string why) =>
        new($"The names of the shards are '{pattern}', but {why}.", "shards");

    private static ArgumentException TooMany(string pattern) => new(
        string.Create(CultureInfo.InvariantCulture, $"The names of the shards, '{pattern}', are more than {Most:n0}. Make larger shards."),
        "shards");
}
