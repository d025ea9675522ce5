// Trains a residual network on a folder of images, or on one that it draws itself, and saves it as an ordinary ML.NET model.
using System.CommandLine;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using QuickStart;
using Spectre.Console;

var data = new Option<string?>("--data") { Description = "Folder of images, one sub-folder per class. Without it, shapes are drawn." };
var test = new Option<string?>("--test") { Description = "Folder of test images, with the same sub-folders. Without it, a fifth of --data is held out." };
var architecture = new Option<string>("--arch") { Description = "The network: resnet20 … resnet1202 for small images, resnet18 … resnet152 for large ones.", DefaultValueFactory = _ => "resnet20" };
var epochs = new Option<int?>("--epochs") { Description = "How often every image is seen. [default: 30; for the shapes " + Experiment.ShapesEpochs + "]" };
var imageSize = new Option<int?>("--image-size") { Description = "Height and width that images are resized to. [default: the network's own, 32 or 224]" };
var model = new Option<string>("--model") { Description = "Where the model is saved.", DefaultValueFactory = _ => "model.zip" };
var progressLines = new Option<bool>("--progress-lines") { Description = "Write progress as lines of JSON, for a program that reads them." };

var command = new RootCommand("Trains a ResNet on a folder of images and saves it as an ML.NET model.") { data, test, architecture, epochs, imageSize, model, progressLines };
command.SetAction((arguments, cancellation) =>
{
    try
    {
        Experiment.Run(
            new Experiment.Settings(
                arguments.GetValue(data), arguments.GetValue(test), ResNetArchitecture.Parse(arguments.GetValue(architecture)!),
                arguments.GetValue(epochs), arguments.GetValue(imageSize), arguments.GetValue(model)!, arguments.GetValue(progressLines)),
            cancellation);
        return Task.FromResult(0);
    }
    catch (OperationCanceledException)
    {
        AnsiConsole.MarkupLine("[yellow]Stopped. No model was saved.[/]");
        return Task.FromResult(130);
    }
    catch (Exception exception) when (exception is ArgumentException or IOException or InvalidOperationException or UnauthorizedAccessException or TrainingDivergedException or DllNotFoundException)
    {
        Console.Error.WriteLine(exception.Message);
        return Task.FromResult(1);
    }
});
return await command.Parse(args).InvokeAsync();
