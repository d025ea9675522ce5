using System.Text.RegularExpressions;

namespace Benchmarks.Report;

/// <summary>docs/BENCHMARKS.md: a header that tells of the machine, and a section for each command, which replaces only its own.</summary>
internal static partial class BenchmarkPage
{
    private static readonly string[] Order = ["train", "score", "data", "memory", "growth"];

    private const string Introduction = """
        # Benchmarks

        The library against what a user would pick instead, side by side in one run. A ratio is the median over alternated repeats of (ours ÷ theirs), each
        competitor in a process of its own; absolute figures are medians, of this machine, and no promise. ✓ and ✗ tell whether a ratio reaches what
        [the project set out to reach](PERFORMANCE.md). Run them again with:

        ```bash
        dotnet run -c Release --project test/Microsoft.ML.ResNet.Benchmarks -- all   # or train, score, data, memory, growth
        ```

        `--data` and `--photos` name folders of small images and of photographs; without them, images are drawn. `--quick` takes a few minutes.
        """;

    /// <summary>Gets the page's path in the checkout.</summary>
    public static string PathInCheckout => Path.Combine(Checkout.Docs, "BENCHMARKS.md");

    /// <summary>Writes a section, and the header; leaves the other sections, and remarks that were added to them, as they are.</summary>
    public static void Replace(string name, Section section)
    {
        var page = File.Exists(PathInCheckout) ? File.ReadAllText(PathInCheckout) : "";
        File.WriteAllText(PathInCheckout, Replace(page, Machine.ToMarkdown(), name, section.ToMarkdown()));
    }

    /// <summary>Makes the new page from the old one. A remark, which is written by hand, is kept with its section.</summary>
    public static string Replace(string page, string machine, string name, string section)
    {
        var sections = SectionPattern().Matches(page).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["text"].Value);
        var remark = sections.TryGetValue(name, out var old) ? RemarkPattern().Match(old).Value : "";
        sections[name] = $"{section.TrimEnd()}\n{(remark.Length > 0 ? $"\n{remark}\n" : "")}";
        var ordered = sections.OrderBy(each => Array.IndexOf(Order, each.Key)).Select(each => $"<!-- begin {each.Key} -->\n{each.Value}<!-- end {each.Key} -->");
        return $"{Introduction}\n\n{machine}\n\n{string.Join("\n\n", ordered)}\n";
    }

    [GeneratedRegex("<!-- begin (?<name>[a-z]+) -->\n(?<text>.*?)<!-- end \\k<name> -->", RegexOptions.Singleline)]
    private static partial Regex SectionPattern();

    [GeneratedRegex("<!-- remark -->.*<!-- end remark -->", RegexOptions.Singleline)]
    private static partial Regex RemarkPattern();
}
