// Fine-tunes a network on a folder of images: ResNet-18 trained on ImageNet, or a checkpoint. There is no rate to choose.
using System.CommandLine;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;
using Spectre.Console;
using TransferLearning;

var weights = new Option<string?>("--weights")
{
    Description = "The checkpoint: safetensors, .pt, .pth, .th, ONNX, or a model.zip of this library. "
        + "[default: ResNet-18 trained on ImageNet, which a package puts beside this program]",
};
var architecture = new Option<string?>("--arch") { Description = "The network that a checkpoint belongs to, where it does not say." };
var data = new Option<string>("--data")
{
    Description = "Folder of images, one sub-folder per class; or a folder with two of those in it, train and test (or val).",
    Required = true,
};
var test = new Option<string?>("--test")
{
    Description = "Folder of test images, with the same sub-folders. Without it, a fifth of --data is held out.",
};
var layers = new Option<TrainableLayers>("--layers")
{
    Description = "What is trained: Head, which takes seconds; or LastStage or All, once the head has been fitted. "
        + "With a few hundred photographs, All was right less often than Head.",
    DefaultValueFactory = _ => TrainableLayers.Head,
};
var epochs = new Option<int?>("--epochs") { Description = "How often every image is seen. [default: 60 for the head, 4 for more]" };
var learningRate = new Option<double?>("--learning-rate")
{
    Description = "The learning rate after warm-up. [default: 0.003 for the head, 0.0005 for more]",
};
var model = new Option<string?>("--model") { Description = "Where the fine-tuned model is saved, if it is." };
var checkpoints = new Option<string?>("--checkpoints")
{
    Description = "Folder of checkpoints. Stopped with Ctrl+C, or killed, training goes on from there when started again.",
};
var seed = new Option<int>("--seed") { Description = "The seed of all randomness.", DefaultValueFactory = _ => 1 };

if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = int.MaxValue; // lines of a log are not wrapped
}

var command = new RootCommand("Fine-tunes a residual network on a folder of images.")
{
    weights, architecture, data, test, layers, epochs, learningRate, model, checkpoints, seed,
};

// On another thread: Ctrl+C is listened to as soon as the action has started.
command.SetAction((arguments, cancellation) => Task.Run(() =>
{
    try
    {
        var settings = new FineTuning.Settings(
            arguments.GetValue(data)!,
            arguments.GetValue(test),
            arguments.GetValue(layers),
            arguments.GetValue(epochs),
            arguments.GetValue(learningRate),
            arguments.GetValue(model),
            arguments.GetValue(checkpoints),
            arguments.GetValue(seed));
        var checkpoint = arguments.GetValue(weights);
        var start = checkpoint is null ? ResNetWeights.Pretrained("resnet18") : ResNetWeights.Load(checkpoint);
        var network = arguments.GetValue(architecture) is { } name
            ? ResNetArchitecture.Parse(name)
            : start.Architecture ?? ResNetArchitecture.Parse(start.ArchitectureName
                ?? throw new ArgumentException($"'{checkpoint}' does not say which network it is: say it with --arch."));
        new FineTuning(settings, start, network).Run(cancellation);
        return 0;
    }
    catch (OperationCanceledException)
    {
        AnsiConsole.MarkupLine("[yellow]Stopped.[/]");
        return 130;
    }
    catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or InvalidOperationException
        or UnauthorizedAccessException or TrainingDivergedException or DllNotFoundException)
    {
        Console.Error.WriteLine(ErrorWords.Of(exception));
        return 1;
    }
}));

// Long enough to write a checkpoint after Ctrl+C.
return await CommandLine.Invoke(command, args, new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
