using System.CommandLine;
using System.CommandLine.Parsing;
using Cli;

namespace Docs;

public sealed class CommandLineTests
{
    private const string Tool = "resnet ";

    [Fact]
    public void EveryCommandLineOfTheToolParses()
    {
        var tool = new RootCommand
        {
            Terminal.Json, TrainCommand.Create(), EvaluateCommand.Create(), PredictCommand.Create(), FeaturizeCommand.Create(), ExportCommand.Create(), InspectCommand.Create(), ReportCommand.Create(),
        };
        var lines = Page.All.SelectMany(page => page.Commands).Where(line => line.StartsWith(Tool, StringComparison.Ordinal)).ToArray();

        Assert.True(lines.Length > 5);
        Assert.All(lines, line => Assert.Empty(tool.Parse([.. CommandLineParser.SplitCommandLine(line[Tool.Length..].Split(" #")[0])]).Errors));
    }
}
