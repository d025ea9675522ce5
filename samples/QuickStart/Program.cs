// Trains a residual network on a folder of images, or on one that it draws itself, and saves it as an ordinary ML.NET model.
using System.CommandLine;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using QuickStart;
using Samples;
using Spectre.Console;

var data = new Option<string?>("--data") { Description = "Folder of images, one sub-folder per class. Without it, shapes are drawn." };
var test = new Option<string?>("--test")
{
    Description = "Folder of test images, with the same sub-folders. Without it, a fifth of --data is held out.",
};
var architecture = new Option<string>("--arch")
{
    Description = "The network: resnet20 … resnet1202 for small images, resnet18 … resnet152 for large ones.",
    DefaultValueFactory = _ => "resnet20",
    HelpName = "name",
};
architecture.CompletionSources.Add([.. ResNetArchitecture.All.Select(each => each.Name)]);
var epochs = CommandLine.Whole(
    "--epochs", "How often every image is seen. [default: 30; for the shapes " + Experiment.ShapesEpochs + "]");
var imageSize = CommandLine.Whole(
    "--image-size", "Height and width that images are resized to. [default: the network's own, 32 or 224]");
var model = new Option<string>("--model") { Description = "Where the model is saved.", DefaultValueFactory = _ => "model.zip" };

var report = new Option<string>("--report")
{
    Description = "Where the report on the test images is written, one HTML file.",
    DefaultValueFactory = _ => "report.html",
};
var checkpoints = new Option<string?>("--checkpoints")
{
    Description = "Folder of checkpoints. Stopped with Ctrl+C, or killed, training goes on from there when started again.",
};
var progressLines = new Option<bool>("--progress-lines")
{
    Description = "Write progress as lines of JSON, for a program that reads them.",
};

// What is wrong is said in the option's words, with exit code 2, and not after minutes.
architecture.Validators.Add(result =>
{
    var names = ResNetArchitecture.All.Select(each => each.Name);
    if (result.Tokens is [var token] && !names.Contains(token.Value, StringComparer.OrdinalIgnoreCase))
    {
        result.AddError($"--arch is '{token.Value}', but must be one of {string.Join(", ", names)}.");
    }
});
var command = new RootCommand("Trains a ResNet on a folder of images and saves it as an ML.NET model.")
{
    data, test, architecture, epochs, imageSize, model, report, checkpoints, progressLines,
};

// On another thread: Ctrl+C is listened to as soon as the action has started.
command.SetAction((arguments, cancellation) => Task.Run(() =>
{
    try
    {
        Experiment.Run(
            new Experiment.Settings(
                arguments.GetValue(data), arguments.GetValue(test), ResNetArchitecture.Parse(arguments.GetValue(architecture)!),
                arguments.GetValue(epochs), arguments.GetValue(imageSize), arguments.GetValue(model)!, arguments.GetValue(report)!,
                arguments.GetValue(checkpoints), arguments.GetValue(progressLines)),
            cancellation);
        return 0;
    }
    catch (OperationCanceledException)
    {
        AnsiConsole.MarkupLine(arguments.GetValue(checkpoints) is null
            ? "[yellow]Stopped. No model was saved.[/]"
            : "[yellow]Stopped. The same command goes on from the last checkpoint.[/]");
        return 130;
    }
    catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException
        or InvalidOperationException or UnauthorizedAccessException or TrainingDivergedException or DllNotFoundException)
    {
        Console.Error.WriteLine(ErrorWords.Of(exception));
        return 1;
    }
}));

if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = int.MaxValue; // lines of a log are not wrapped, nor names of classes cut
}

// Long enough to write a checkpoint after Ctrl+C.
return await CommandLine.Invoke(command, args, new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
