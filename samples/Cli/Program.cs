// The library from a command line: each command is a file.
using System.CommandLine;
using System.CommandLine.Invocation;
using Cli;

var command = new RootCommand("Residual networks (He et al., 2016): train, test, apply, convert. Every command reads weights from any file that the library reads; only 'train' needs libtorch, and 'report' uses it.")
{
    Terminal.Json,
    TrainCommand.Create(),
    EvaluateCommand.Create(),
    PredictCommand.Create(),
    FeaturizeCommand.Create(),
    ExportCommand.Create(),
    InspectCommand.Create(),
    ReportCommand.Create(),
    DoctorCommand.Create(),
};

var arguments = command.Parse(args);
if (arguments.Action is ParseErrorAction error)
{
    error.ShowHelp = false; // standard output is for results
}

// Long enough to write a checkpoint after Ctrl+C.
var exitCode = await arguments.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
return arguments.Errors.Count > 0 ? ExitCode.Usage : exitCode;
