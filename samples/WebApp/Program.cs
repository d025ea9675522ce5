// Serves an image classifier that was saved as an ML.NET model: an HTTP API, and a page to try it on.
using System.ComponentModel.DataAnnotations;
using WebApp;

if (args.Any(argument => argument is "--help" or "-h" or "-?"))
{
    Console.WriteLine("""
        Serves an image classifier: an HTTP API, and a page to try it on.

          --model FILE              The model. If it is not there, one is trained. [default: data/model.zip beside the program]
          --data FOLDER             The images to train on if there is no model. [default: drawn shapes]
          --urls ADDRESS            Where it listens. [default: http://localhost:5000]
          --Classifier:OPTION VALUE All other options: README.md of samples/WebApp lists them.
        """);
    return 0;
}

try
{
    await using var service = ClassifierService.Build(args);
    await ClassifierService.RunAsync(service);
    return 0;
}
catch (Exception exception) when (exception is ValidationException or FormatException or IOException)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
