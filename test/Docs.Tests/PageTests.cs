using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Docs;

public sealed partial class PageTests
{
    private const string Snippet = "snippet: ";
    private const string NotCompiled = "not compiled: ";

    public static TheoryData<string> Pages => [.. Page.All.Select(page => page.Name)];

    [Fact]
    public void EverySnippetIsTheRegionThatItNames()
    {
        var regions = Regions.Read();
        var shown = new HashSet<string>();
        foreach (var page in Page.All)
        {
            var compiled = page.Snippets.Where(snippet => !snippet.Marker.StartsWith(NotCompiled, StringComparison.Ordinal));
            foreach (var (marker, code) in compiled)
            {
                Assert.True(marker.StartsWith(Snippet, StringComparison.Ordinal),
                    $"A block in {page} says neither where it is compiled nor why it is not:\n{code}");
                var names = marker[Snippet.Length..].Split(' ');
                Assert.All(names, name =>
                    Assert.True(regions.ContainsKey(name), $"{page} shows the region '{name}', which no file in Snippets has."));
                Assert.Equal(string.Join("\n\n", names.Select(name => regions[name])), code);
                shown.UnionWith(names);
            }
        }

        Assert.Empty(regions.Keys.Except(shown));
    }

    // Pasted one after the other, the README's blocks are one program: between them, the file that is compiled has nothing of its own.
    [Fact]
    public void TheReadmesBlocksAreOneProgramInTheOrderOfThePage()
    {
        var file = File.ReadAllText(Path.Combine(Repository.Root, "test", "Docs.Tests", "Snippets", "Readme.cs")).ReplaceLineEndings("\n");
        Assert.Matches(ReadmeProgramPattern(), file);

        var regions = RegionPattern().Matches(file).Select(match => match.Groups[1].Value);
        var shown = Page.Named("README.md").Snippets.SelectMany(snippet => snippet.Marker[Snippet.Length..].Split(' '));
        Assert.Equal(regions, shown);
    }

    [Fact]
    public void TheReadmeIsAFrontPage()
    {
        var readme = Page.Named("README.md");
        Assert.InRange(readme.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, 1, 900);
        Assert.Equal(1, readme.Tables);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void EveryLinkResolves(string name)
    {
        var page = Page.Named(name);
        Assert.All(page.Links.Where(link => !link.Contains("://", StringComparison.Ordinal)), link =>
        {
            var (path, anchor) = link.Split('#') is [var file, var heading] ? (file, heading) : (link, null);
            var target = path.Length == 0 ? page.Path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page.Path)!, path));
            Assert.True(File.Exists(target) || Directory.Exists(target), $"'{link}' leads nowhere.");
            Assert.True(anchor is null || Page.All.Single(each => each.Path == target).Anchors.Contains(anchor),
                $"There is no heading for '{link}'.");
        });
    }

    // A table is to be scanned; what needs a paragraph gets one.
    [Fact]
    public void CellsOfThePerformancePageAreShort() =>
        Assert.All(Page.Named("docs/PERFORMANCE.md").Cells, cell => Assert.InRange(cell.Length, 0, 200));

    // A line for each sentence: a diff then shows what changed. The page of benchmarks is written by a program.
    [Theory]
    [MemberData(nameof(Pages))]
    public void LinesOfProseAreShort(string name)
    {
        if (name != "docs/BENCHMARKS.md")
        {
            Assert.All(Page.Named(name).Prose.Where(line => !line.StartsWith("![", StringComparison.Ordinal)),
                line => Assert.True(line.Length <= 200, $"{line.Length} characters: {line}"));
        }
    }

    [Fact]
    public void EveryPageIsInTheIndex()
    {
        var index = Page.Named("docs/README.md");
        var linked = index.Links.Select(link => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(index.Path)!, link))).ToHashSet();
        var pages = Page.All.Where(page => !page.Name.EndsWith("README.md", StringComparison.Ordinal)
            && !page.Name.Contains("/decisions/", StringComparison.Ordinal)).Select(page => page.Path);
        var samples =
            new[] { "Cli", "WebApp", "Templates" }.Select(sample => Path.Combine(Repository.Root, "samples", sample, "README.md"));
        Assert.All(pages.Concat(samples), path => Assert.Contains(path, linked));
    }

    [Fact]
    public void EveryQuotedMessageIsInTheSource()
    {
        var sources = new[] { "src", Path.Combine("samples", "Cli") }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Select(path => SplitLiteral().Replace(File.ReadAllText(path), "").Replace("\\\"", "\"")).ToArray();
        var messages = MessagePattern().Matches(Page.Named("docs/troubleshooting.md").Text)
            .Select(match => match.Groups[1].Value)
            .ToArray();

        Assert.True(messages.Length > 30);
        Assert.All(messages, message =>
        {
            var inOneStatement = string.Join("[^;]*?", message.Split('…').Select(Regex.Escape));
            Assert.Contains(sources, source => Regex.IsMatch(source, inOneStatement));
        });
    }

    [Fact]
    public void EveryFileOnTheMapExists()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(path => path.Replace('\\', '/')).ToArray();
        var named = SourceFilePattern().Matches(Page.Named("docs/architecture.md").Text).Select(match => match.Groups[1].Value).ToArray();

        Assert.True(named.Length > 30);
        Assert.All(named, name => Assert.Contains(files, file => file.EndsWith($"/{name}", StringComparison.Ordinal)));
    }

    [Fact]
    public void EveryProjectThatACommandNamesExists()
    {
        var projects = Page.All.SelectMany(page => page.Commands).Select(command => ProjectPattern().Match(command))
            .Where(match => match.Success).Select(match => match.Groups[1].Value).ToArray();
        Assert.NotEmpty(projects);
        Assert.All(projects, project => Assert.NotEmpty(Directory.GetFiles(Path.Combine(Repository.Root, project), "*.csproj")));
    }

    // Long messages stand on several lines: "…" + $"…".
    [GeneratedRegex(@"""\s*\+\s*\$?""")]
    private static partial Regex SplitLiteral();

    // A heading in code is a message of ours; … stands for what differs.
    [GeneratedRegex(@"^### `(.+)`$", RegexOptions.Multiline)]
    private static partial Regex MessagePattern();

    [GeneratedRegex(@"`([\w./]+\.cs)`")]
    private static partial Regex SourceFilePattern();

    [GeneratedRegex(@"^#region ReadmeUsings\n(using [^\n]+\n)+#endregion\n\nnamespace Docs\.Snippets;\n\n"
        + @"internal static class Readme\n\{\n    public static void Run\(\)\n    \{\n"
        + @"( {8}#region \w+\n([^#]*\n)? {8}#endregion\n\n?)+    \}\n\}\n$")]
    private static partial Regex ReadmeProgramPattern();

    [GeneratedRegex(@"^\s*#region (\w+)$", RegexOptions.Multiline)]
    private static partial Regex RegionPattern();

    [GeneratedRegex(@"--project (samples/\w+)")]
    private static partial Regex ProjectPattern();
}
