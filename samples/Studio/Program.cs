// A model builder in the browser: images in, a trained model out, on this machine alone.
using Samples;
using Studio;
using Studio.Hosting;

try
{
    return await StudioServer.RunAsync(StudioOptions.Parse(args), CancellationToken.None);
}
catch (Exception exception) when (exception is ArgumentException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(ErrorWords.Of(exception));
    return 1;
}
