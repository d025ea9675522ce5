// Reproduces what the paper reports (He et al., 2016, https://arxiv.org/abs/1512.03385): each command is a file.
using System.CommandLine;
using PaperExperiments;
using Spectre.Console;

if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = int.MaxValue; // lines of a log are not wrapped
}

var command = new RootCommand("Reproduces what \"Deep Residual Learning for Image Recognition\" reports.") 
{
    VerifyCommand.Create(),
    ComparisonCommand.Degradation.Create(),
    ComparisonCommand.Depth.Create(),
    ComparisonCommand.Shortcuts.Create(),
    ResponsesCommand.Create(),
    PrecisionCommand.Create(),
    TrainCommand.Create(),
};

// Long enough to write a checkpoint after Ctrl+C.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
