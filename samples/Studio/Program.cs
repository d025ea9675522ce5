// A model builder in the browser: images in, a trained model out, on this machine alone.
using System.CommandLine;
using Samples;
using Studio;
using Studio.Hosting;

var studio = new StudioArguments();
var command = new RootCommand(StudioArguments.Description);
studio.AddTo(command);
command.SetAction(async (arguments, cancellation) =>
{
    try
    {
        return await StudioServer.RunAsync(studio.Read(arguments), cancellation);
    }
    catch (Exception exception) when (exception is ArgumentException or IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine(ErrorWords.Of(exception));
        return 1;
    }
});
return await CommandLine.Invoke(command, args);
