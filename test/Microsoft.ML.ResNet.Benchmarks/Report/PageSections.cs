using System.Text.RegularExpressions;

namespace Benchmarks.Report;

/// <summary>The text of a page whose sections are replaced one by one.</summary>
internal static partial class PageSections
{
    /// <summary>Makes the new page from the old one: the header and one section are new, the other sections stay as they are.</summary>
    /// <param name="page">The old page; empty if there is none.</param>
    /// <param name="header">What is above all sections.</param>
    /// <param name="order">The names of all sections, in the order of the page.</param>
    /// <param name="name">The section to replace, or to add.</param>
    /// <param name="section">Its new text. A remark that was written into the old one by hand is kept, at its end.</param>
    public static string Replace(string page, string header, IReadOnlyList<string> order, string name, string section)
    {
        var sections = SectionPattern().Matches(page)
            .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["text"].Value);
        var remark = sections.TryGetValue(name, out var old) ? RemarkPattern().Match(old).Value : "";
        sections[name] = $"{section.TrimEnd()}\n{(remark.Length > 0 ? $"\n{remark}\n" : "")}";
        var ordered = order.Where(sections.ContainsKey).Select(each => $"<!-- begin {each} -->\n{sections[each]}<!-- end {each} -->");
        return $"{header}\n\n{string.Join("\n\n", ordered)}\n";
    }

    [GeneratedRegex("<!-- begin (?<name>[a-z]+) -->\n(?<text>.*?)<!-- end \\k<name> -->", RegexOptions.Singleline)]
    private static partial Regex SectionPattern();

    [GeneratedRegex("<!-- remark -->.*<!-- end remark -->", RegexOptions.Singleline)]
    private static partial Regex RemarkPattern();
}
