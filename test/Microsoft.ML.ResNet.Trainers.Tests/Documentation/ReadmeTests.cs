using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Documentation;

public sealed partial class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public void EverySnippetIsCompiled()
    {
        var source = Path.Combine(Repository.Root, "test", "Microsoft.ML.ResNet.Trainers.Tests", "Documentation", "ReadmeSnippets.cs");
        var compiled = File.ReadLines(source).Select(line => line.Trim()).ToHashSet();
        var snippets = Snippet().Matches(Readme).Select(match => match.Groups[1].Value).ToArray();

        Assert.NotEmpty(snippets);
        Assert.All(snippets.SelectMany(snippet => snippet.Split('\n')).Select(line => line.Trim()), line => Assert.Contains(line, compiled));
    }

    [Fact]
    public void TheTableOfNetworksIsRight()
    {
        var rows = Row().Matches(Readme);
        Assert.True(rows.Count > 25);
        foreach (Match row in rows)
        {
            var architecture = ResNetArchitecture.Parse(row.Groups[1].Value);
            var side = architecture.DefaultImageSize;
            var plan = LayerPlan.Create(architecture, new ImageShape(3, side, side), side == 224 ? 1000 : 10);

            Assert.Equal(row.Groups[2].Value, plan.ParameterCount.ToString("n0", CultureInfo.InvariantCulture));
            var (unit, divisor) = row.Groups[4].Value == "G" ? ("G", 1e9) : ("M", 1e6);
            Assert.Equal(row.Groups[3].Value, (plan.MultiplyAdds / divisor).ToString("f2", CultureInfo.InvariantCulture));
            Assert.Contains(unit, row.Value);
        }
    }

    [GeneratedRegex(@"```csharp\n(.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Snippet();

    [GeneratedRegex(@"`([a-z0-9_]+)` \| ([\d,]+) \| ([\d.]+) ([GM])")]
    private static partial Regex Row();
}
