// The library from a command line: each command is a file.
using System.CommandLine;
using Cli;
using Microsoft.ML.ResNet.Trainers;

// mpirun gives each process a terminal of its own, whose contents it passes on: escape sequences do not belong into them.
if (DistributedJob.Size > 1)
{
    Environment.SetEnvironmentVariable("TERM", "dumb");
}

var arguments = Tool.Create().Parse(args);
if (arguments.Action is not System.CommandLine.Help.HelpAction && UsageErrors.Of(arguments) is { Count: > 0 } errors)
{
    foreach (var error in errors)
    {
        Console.Error.WriteLine(error); // standard output is for results
    }

    return ExitCode.Usage;
}

// Long enough to write a checkpoint after Ctrl+C.
return await arguments.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
