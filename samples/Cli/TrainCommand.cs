using System.CommandLine;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;

namespace Cli;

/// <summary><c>train</c>: a network from a folder of images.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var data = new Argument<string>("data") { Description = "Folder of images, one sub-folder per class." };
        var output = new Option<string>("--output", "-o") { Description = "Where the model is saved.", DefaultValueFactory = _ => "model.zip", HelpName = "file" }.Named();
        var architecture = NetworkOptions.ArchitectureOption("The network. [default: resnet20, or that of --weights]");
        var validation = new Option<string?>("--validation") { Description = "Folder of images to validate on. [default: a tenth of each class is held out]", HelpName = "folder" };
        var test = new Option<string?>("--test") { Description = "Folder of images to test the trained network on.", HelpName = "folder" };
        var recipe = RecipeNames.Option("modern");
        var epochs = new Option<int?>("--epochs") { Description = "How often every image is seen. [default: what the recipe says]" };
        var batchSize = new Option<int?>("--batch-size") { Description = "Images per batch. [default: what the recipe says]" };
        var learningRate = new Option<double?>("--learning-rate") { Description = "The learning rate after warm-up. [default: what the recipe says]" };
        var imageSize = new Option<int?>("--image-size") { Description = "Height and width that images are resized to, in pixels. [default: the network's own, 32 or 224]" };
        var weights = new Option<string?>("--weights") { Description = "Weights to start from: a file, or the name of published ones.", HelpName = "file" };
        var layers = new Option<TrainableLayers>("--layers") { Description = "What is trained.", DefaultValueFactory = _ => TrainableLayers.All };
        var checkpoints = new Option<string?>("--checkpoints") { Description = "Folder of checkpoints: stopped, the same command goes on from there. [default: the model's name and .checkpoints, deleted when the model is saved]", HelpName = "folder" }.Named();
        var resume = new Option<Resume>("--resume") { Description = "Whether to go on from a checkpoint.", DefaultValueFactory = _ => Resume.Auto };
        var maxMinutes = new Option<double?>("--max-minutes") { Description = "Stop after this time, and save what there is." };
        var calibrate = new Option<bool>("--calibrate") { Description = "Fit probabilities to the validation images (temperature scaling)." };
        var log = new Option<string?>("--log") { Description = "Folder for history.csv, history.json and event files for TensorBoard.", HelpName = "folder" }.Named();
        var reading = new ReadingOptions();
        var report = new Option<string?>("--report") { Description = "Write a report on the --test images as one HTML file.", HelpName = "file" }.Named();
        var seed = new Option<int>("--seed") { Description = "The seed of all randomness.", DefaultValueFactory = _ => 1 };
        var command = new Command("train", "Trains a network on a folder of images and saves it as an ML.NET model. Needs libtorch. Ctrl+C leaves a checkpoint.")
        {
            data, output, architecture, validation, test, recipe, epochs, batchSize, learningRate, imageSize, weights, layers, checkpoints, resume, maxMinutes, calibrate, log, report, seed,
        };
        reading.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(test) is not null && reading.ExifOrientation(result))
            {
                result.AddError("--test reads images as the saved model does, which ignores their EXIF orientation: leave out --exif-orientation, or test with 'resnet evaluate --exif-orientation'.");
            }

            if (result.GetValue(report) is not null && result.GetValue(test) is null)
            {
                result.AddError("--report needs --test, the images to report on.");
            }
        });
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var path = OutputFile.Checked(arguments.GetValue(output)!);
            var reportPath = arguments.GetValue(report) is { } html ? OutputFile.Checked(html) : null;
            var initial = arguments.GetValue(weights) is { } source ? NetworkOptions.Read(source, terminal, cancellation) : null;
            var folder = arguments.GetValue(checkpoints);
            using var own = folder is null ? OwnCheckpoints.Beside(path) : null;
            var training = new Training(terminal, cancellation)
            {
                Architecture = ResNetArchitecture.Parse(arguments.GetValue(architecture) ?? initial?.ArchitectureName ?? "resnet20"),
                Recipe = RecipeNames.Read(arguments.GetValue(recipe)!),
                Epochs = arguments.GetValue(epochs),
                BatchSize = arguments.GetValue(batchSize),
                LearningRate = arguments.GetValue(learningRate),
                ImageSize = arguments.GetValue(imageSize),
                InitialWeights = initial,
                Layers = arguments.GetValue(layers),
                CheckpointFolder = folder ?? own!.Path,
                Resume = arguments.GetValue(resume),
                MaxDuration = arguments.GetValue(maxMinutes) is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
                Calibrate = arguments.GetValue(calibrate),
                LogFolder = arguments.GetValue(log),
                MaxPixels = reading.MaxPixels(arguments),
                ExifOrientation = reading.ExifOrientation(arguments),
                Seed = arguments.GetValue(seed),
            };
            LibTorch.Load();
            var result = training.Run(arguments.GetValue(data)!, arguments.GetValue(validation), arguments.GetValue(test), path, reportPath);
            if (result.StoppedEarly is null)
            {
                own?.DeleteFiles(terminal);
            }

            terminal.Write(result, trained => trained.WriteText(terminal));
            return ExitCode.Success;
        });
    }
}
