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
        foreach (var page in Page.WithSnippets)
        {
            foreach (var (marker, code) in page.Snippets.Where(snippet => !snippet.Marker.StartsWith(NotCompiled, StringComparison.Ordinal)))
            {
                Assert.True(marker.StartsWith(Snippet, StringComparison.Ordinal), $"A block in {page} says neither where it is compiled nor why it is not:\n{code}");
                var names = marker[Snippet.Length..].Split(' ');
                Assert.All(names, name => Assert.True(regions.ContainsKey(name), $"{page} shows the region '{name}', which no file in Snippets has."));
                Assert.Equal(string.Join("\n\n", names.Select(name => regions[name])), code);
                shown.UnionWith(names);
            }
        }

        Assert.Empty(regions.Keys.Except(shown));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void EveryLinkResolves(string name)
    {
        var page = Page.All.Single(each => each.Name == name);
        Assert.All(page.Links.Where(link => !link.Contains("://", StringComparison.Ordinal)), link =>
        {
            var (path, anchor) = link.Split('#') is [var file, var heading] ? (file, heading) : (link, null);
            var target = path.Length == 0 ? page.Path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page.Path)!, path));
            Assert.True(File.Exists(target) || Directory.Exists(target), $"'{link}' leads nowhere.");
            Assert.True(anchor is null || Page.All.Single(each => each.Path == target).Anchors.Contains(anchor), $"There is no heading for '{link}'.");
        });
    }

    [Fact]
    public void EveryPageIsInTheIndex()
    {
        var index = Page.All.Single(page => page.Name == "docs/README.md");
        var linked = index.Links.Select(link => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(index.Path)!, link))).ToHashSet();
        Assert.All(Page.All.Where(page => !page.Name.EndsWith("README.md", StringComparison.Ordinal) && !page.Name.Contains("/decisions/", StringComparison.Ordinal)),
            page => Assert.Contains(page.Path, linked));
    }

    [Fact]
    public void EveryQuotedMessageIsInTheSource()
    {
        var sources = new[] { "src", Path.Combine("samples", "Cli") }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Select(path => File.ReadAllText(path).Replace("\\\"", "\"")).ToArray();
        var messages = MessagePattern().Matches(Page.All.Single(page => page.Name == "docs/troubleshooting.md").Text).Select(match => match.Groups[1].Value).ToArray();

        Assert.True(messages.Length > 30);
        Assert.All(messages, message =>
        {
            var inOneStatement = string.Join("[^;]*?", message.Split('…').Select(Regex.Escape));
            Assert.Contains(sources, source => Regex.IsMatch(source, inOneStatement));
        });
    }

    [Fact]
    public void EveryProjectThatACommandNamesExists()
    {
        var projects = Page.All.SelectMany(page => page.Commands).Select(command => ProjectPattern().Match(command)).Where(match => match.Success).Select(match => match.Groups[1].Value).ToArray();
        Assert.NotEmpty(projects);
        Assert.All(projects, project => Assert.NotEmpty(Directory.GetFiles(Path.Combine(Repository.Root, project), "*.csproj")));
    }

    // A heading in code is a message of ours; … stands for what differs.
    [GeneratedRegex(@"^### `(.+)`$", RegexOptions.Multiline)]
    private static partial Regex MessagePattern();

    [GeneratedRegex(@"--project (samples/\w+)")]
    private static partial Regex ProjectPattern();
}
