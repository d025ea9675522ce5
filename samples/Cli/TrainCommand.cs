using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary><c>train</c>: a network from a folder of images.</summary>
internal static class TrainCommand
{
    private const double DefaultValidationShare = 0.1;

    public static Command Create()
    {
        var options = new TrainingOptions();
        var data = new Argument<string>("data") { Description = "Folder of images, one sub-folder per class." };
        var output = new Option<string>("--output", "-o") { Description = "Where the model is saved.", DefaultValueFactory = _ => "model.zip", HelpName = "file" }.Named();
        var validation = new Option<string?>("--validation")
        {
            Description = "Images to validate on after each epoch: a folder, or the share of each class that is held out; 0 for none. [default: 0.1]",
            HelpName = "folder or share",
        }.Named();
        var test = new Option<string?>("--test") { Description = "Folder of images to test the trained network on. They are checked before training.", HelpName = "folder" }.Named();
        var epochs = OptionValues.Whole("--epochs", "How often every image is seen. [default: what the recipe says]", least: 1);
        var moreEpochs = OptionValues.Whole("--more-epochs",
            "Train the model that --output names, which is finished, for so many epochs more: a new run that starts from its weights.", least: 1);
        var patience = OptionValues.Whole("--patience",
            "Stop after so many epochs without a better validation, and save the best epoch's network. [default: what the recipe says]", least: 1);
        var checkpoints = new Option<string?>("--checkpoints")
        {
            Description = "Folder of checkpoints: stopped, the same command goes on from there. "
                + "[default: the model's name and .checkpoints, deleted when the model is saved]",
            HelpName = "folder",
        }.Named();
        var resume = OptionValues.Choice("--resume", "Whether to go on from a checkpoint, where there is one.", Resume.Auto);
        var maxMinutes = OptionValues.Positive("--max-minutes", "Stop after this time, and save what there is; the same command goes on.");
        var calibrate = new Option<bool>("--calibrate") { Description = "Fit probabilities to the validation images (temperature scaling)." };
        var log = new Option<string?>("--log") { Description = "Folder for history.csv, history.json and event files for TensorBoard.", HelpName = "folder" }.Named();
        var report = new Option<string?>("--report") { Description = "Write a report on the --test images as one HTML file.", HelpName = "file" }.Named();
        var preview = new Option<string?>("--preview")
        {
            Description = "Before training, draw a batch of images as the network will see them, augmented, as a PNG file.",
            HelpName = "file",
        }.Named();
        var command = new Command("train", "Trains a network on a folder of images and saves it as an ML.NET model. Needs libtorch. Ctrl+C leaves a checkpoint.")
        {
            data, output, epochs, moreEpochs, validation, test, report, preview,
        };
        options.AddTo(command);
        foreach (var option in (Option[])[patience, calibrate, checkpoints, resume, maxMinutes, log])
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.Children.Any(child => child.Errors.Any()))
            {
                return; // which is said already
            }

            if (result.GetValue(test) is not null && options.Reading.ExifOrientation(result))
            {
                result.AddError("--test reads images as the saved model does, which ignores their EXIF orientation: leave out --exif-orientation, or test with 'resnet evaluate --exif-orientation'.");
            }

            if (result.GetValue(report) is not null && result.GetValue(test) is null)
            {
                result.AddError("--report needs --test, the images to report on.");
            }

            if (result.GetValue(moreEpochs) is not null && (result.GetValue(epochs) is not null || options.HasWeights(result)))
            {
                result.AddError("--more-epochs starts from the weights of the finished model: leave out --epochs and --weights.");
            }

            CheckValidation(result, result.GetValue(validation), result.GetValue(patience), result.GetValue(calibrate));
        });
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var path = OutputFile.Checked(arguments.GetValue(output)!);
            var reportPath = arguments.GetValue(report) is { } html ? OutputFile.Checked(html) : null;
            var previewPath = arguments.GetValue(preview) is { } png ? OutputFile.Checked(png) : null;
            var folder = arguments.GetValue(checkpoints) ?? OwnCheckpoints.FolderOf(path);
            if (arguments.GetValue(resume) == Resume.Required && !CheckpointFiles.Exist(folder))
            {
                throw new FileNotFoundException(
                    $"There is no checkpoint in '{folder}' to go on from, but --resume is Required. Correct --checkpoints, or leave out --resume.");
            }

            var more = arguments.GetValue(moreEpochs);
            var initial = more is not null ? Finished(path, terminal, cancellation)
                : options.Weights(arguments) is { } source ? NetworkOptions.Read(source, terminal, cancellation) : null;
            var asked = options.Read(arguments, initial);
            var (validationFolder, share) = Validation(arguments.GetValue(validation));
            var settings = asked with
            {
                Recipe = asked.Recipe with { EarlyStoppingPatience = arguments.GetValue(patience) ?? asked.Recipe.EarlyStoppingPatience },
                Epochs = more ?? arguments.GetValue(epochs),
                ValidationShare = share,
                CheckpointFolder = folder,
                Resume = arguments.GetValue(resume),
                MaxDuration = arguments.GetValue(maxMinutes) is { } minutes ? TimeSpan.FromMinutes(Math.Min(minutes, int.MaxValue)) : null,
                Calibrate = arguments.GetValue(calibrate),
                LogFolder = arguments.GetValue(log),
            };
            var training = new Training(settings, terminal, cancellation) { KnownClasses = more is null ? null : initial!.ClassNames };
            training.ReadImages(arguments.GetValue(data)!, validationFolder, arguments.GetValue(test));
            LibTorch.Load();
            if (more is not null)
            {
                terminal.Say($"Goes on from the weights of '{path}', for {more} more {(more == 1 ? "epoch" : "epochs")}.");
            }

            if (previewPath is not null)
            {
                training.WritePreview(previewPath);
            }

            using var own = arguments.GetValue(checkpoints) is null ? OwnCheckpoints.Beside(path) : null;
            var result = training.Run(path, reportPath);
            if (result.StoppedEarly is null)
            {
                own?.DeleteFiles(terminal);
            }

            terminal.Write(result, trained => trained.WriteText(terminal));
            return ExitCode.Success;
        });
    }

    private static void CheckValidation(CommandResult result, string? validation, int? patience, bool calibrate)
    {
        if (Share(validation) is not { } share || Directory.Exists(validation))
        {
            return;
        }

        if (share is < 0 or >= 1)
        {
            result.AddError($"--validation is '{validation}', but must be a folder, or a share of the images: 0 or more, and less than 1.");
        }
        else if (share == 0 && (patience is not null || calibrate))
        {
            result.AddError("--patience and --calibrate need validation images, but --validation is 0.");
        }
    }

    private static (string? Folder, double Share) Validation(string? validation) => validation is null
        ? (null, DefaultValidationShare)
        : Share(validation) is { } share && !Directory.Exists(validation) ? (null, share) : (validation, 0);

    private static double? Share(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) ? share : null;

    private static ResNetWeights Finished(string path, Terminal terminal, CancellationToken cancellation) => File.Exists(path)
        ? NetworkOptions.Read(path, terminal, cancellation)
        : throw new FileNotFoundException($"There is no model '{path}' to train for more epochs: name it with --output, or train it with --epochs.");
}
