using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Docs;

/// <summary>A page of the documentation, and what is in it that can be checked.</summary>
internal sealed partial record Page(string Path, string Text)
{
    /// <summary>Gets README, CONTRIBUTING and all pages below docs/.</summary>
    public static Page[] All { get; } =
    [
        .. Directory.EnumerateFiles(System.IO.Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(new[] { "README.md", "CONTRIBUTING.md" }.Select(name => System.IO.Path.Combine(Repository.Root, name)))
            .Order(StringComparer.Ordinal).Select(Read),
    ];

    /// <summary>Gets one of them.</summary>
    public static Page Named(string name) => All.Single(page => page.Name == name);

    /// <summary>Gets the path from the repository's root.</summary>
    public string Name => System.IO.Path.GetRelativePath(Repository.Root, Path).Replace('\\', '/');

    /// <summary>Gets the C# blocks, with the marker on the line before.</summary>
    public IEnumerable<(string Marker, string Code)> Snippets =>
        SnippetPattern().Matches(Text).Select(match => (match.Groups["marker"].Value, match.Groups["code"].Value));

    /// <summary>Gets the lines of all shell blocks.</summary>
    public IEnumerable<string> Commands =>
        ShellPattern().Matches(Text).SelectMany(match => match.Groups[1].Value.Split('\n')).Select(line => line.Trim());

    /// <summary>Gets the targets of links and images.</summary>
    public IEnumerable<string> Links => LinkPattern().Matches(TextWithoutCode).Select(match => match.Groups[1].Value);

    /// <summary>Gets the anchors that GitHub makes of headings: in lower case, without punctuation, spaces as hyphens.</summary>
    public IEnumerable<string> Anchors => HeadingPattern().Matches(TextWithoutCode)
        .Select(match => NotInAnchorPattern().Replace(match.Groups[1].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    /// <summary>Gets the lines that are neither code nor part of a table.</summary>
    public IEnumerable<string> Prose => LinesWithoutCode.Where(line => !line.StartsWith('|'));

    /// <summary>Gets the cells of all tables.</summary>
    public IEnumerable<string> Cells => LinesWithoutCode.Where(line => line.StartsWith('|'))
        .SelectMany(line => line.Trim('|').Split('|')).Select(cell => cell.Trim());

    /// <summary>Gets how many tables there are.</summary>
    public int Tables => TablePattern().Count(TextWithoutCode);

    private string[] LinesWithoutCode => TextWithoutCode.Split('\n');

    private string TextWithoutCode => BlockPattern().Replace(Text, "");

    public override string ToString() => Name;

    private static Page Read(string path) => new(path, File.ReadAllText(path).ReplaceLineEndings("\n"));

    [GeneratedRegex(@"(?:<!-- (?<marker>[^\n]*) -->\n)?```csharp[^\n]*\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex SnippetPattern();

    [GeneratedRegex(@"```bash\n(.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex ShellPattern();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex BlockPattern();

    [GeneratedRegex(@"^\|[ :|-]+\|$", RegexOptions.Multiline)]
    private static partial Regex TablePattern();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex HeadingPattern();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchorPattern();
}
