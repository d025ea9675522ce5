using System.CommandLine;
using Studio;
using Studio.Hosting;

namespace Cli;

/// <summary><c>studio</c>: a model builder in the browser.</summary>
internal static class StudioCommand
{
    public static Command Create()
    {
        var studio = new StudioArguments();
        var command = new Command("studio", StudioArguments.Description + " Training needs libtorch.");
        studio.AddTo(command);
        return command.Runs((arguments, _, cancellation) =>
            StudioServer.RunAsync(studio.Read(arguments) with { LoadTorch = LibTorch.Load }, cancellation).GetAwaiter().GetResult());
    }
}
