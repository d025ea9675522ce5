using System.CommandLine.Parsing;
using Cli;

namespace Docs;

public sealed class CommandLineTests
{
    private const string ToolName = "resnet ";

    [Fact]
    public void EveryCommandLineOfTheToolParses()
    {
        var tool = Tool.Create();
        var lines = Page.All.SelectMany(page => page.Commands).Where(line => line.StartsWith(ToolName, StringComparison.Ordinal)).ToArray();

        Assert.True(lines.Length > 5);
        Assert.All(lines, line => Assert.Empty(
            UsageErrors.Of(tool.Parse([.. CommandLineParser.SplitCommandLine(line[ToolName.Length..].Split(" #")[0])]))));
    }
}
