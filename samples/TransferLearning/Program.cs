// Fine-tunes a published checkpoint on a folder of images: accuracy before and after, class by class.
using System.CommandLine;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;
using TransferLearning;

var weights = new Option<string>("--weights") { Description = "The checkpoint: safetensors, .pt, .pth, .th, ONNX, or a model.zip of this library.", Required = true };
var architecture = new Option<string>("--arch") { Description = "The network that it belongs to, such as resnet50.", Required = true };
var data = new Option<string>("--data") { Description = "Folder of images, one sub-folder per class.", Required = true };
var test = new Option<string?>("--test") { Description = "Folder of test images, with the same sub-folders. Without it, a fifth of --data is held out." };
var layers = new Option<TrainableLayers>("--layers") { Description = "What is trained: All, LastStage, or Head, which takes seconds.", DefaultValueFactory = _ => TrainableLayers.All };
var epochs = new Option<int>("--epochs") { Description = "How often every image is seen.", DefaultValueFactory = _ => 2 };
var learningRate = new Option<double>("--learning-rate") { Description = "The learning rate after warm-up.", DefaultValueFactory = _ => 0.03 };
var model = new Option<string?>("--model") { Description = "Where the fine-tuned model is saved, if it is." };
var checkpoints = new Option<string?>("--checkpoints") { Description = "Folder of checkpoints. Stopped with Ctrl+C, or killed, training goes on from there when started again." };

var command = new RootCommand("Fine-tunes a ResNet checkpoint on a folder of images.") { weights, architecture, data, test, layers, epochs, learningRate, model, checkpoints };

// On another thread: Ctrl+C is listened to as soon as the action has started.
command.SetAction((arguments, cancellation) => Task.Run(() =>
{
    try
    {
        FineTuning.Run(
            new FineTuning.Settings(
                arguments.GetValue(weights)!, ResNetArchitecture.Parse(arguments.GetValue(architecture)!), arguments.GetValue(data)!, arguments.GetValue(test),
                arguments.GetValue(layers), arguments.GetValue(epochs), arguments.GetValue(learningRate), arguments.GetValue(model), arguments.GetValue(checkpoints)),
            cancellation);
        return 0;
    }
    catch (OperationCanceledException)
    {
        AnsiConsole.MarkupLine("[yellow]Stopped.[/]");
        return 130;
    }
    catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or InvalidOperationException or UnauthorizedAccessException or TrainingDivergedException or DllNotFoundException)
    {
        Console.Error.WriteLine(exception.Message);
        return 1;
    }
}));

// Long enough to write a checkpoint after Ctrl+C.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
