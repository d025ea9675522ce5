// Serves an image classifier that was saved as an ML.NET model: an HTTP API, and a page to try it on.
using System.ComponentModel.DataAnnotations;
using WebApp;

try
{
    await using var service = ClassifierService.Build(args);
    await service.RunAsync();
    return 0;
}
catch (Exception exception) when (exception is ValidationException or FormatException or IOException)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
