using System.CommandLine;
using System.Globalization;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary><c>train</c>: a network from a folder of images, or from shards.</summary>
internal static class TrainCommand
{
    private const double DefaultValidationShare = 0.1;

    public static Command Create()
    {
        var options = new TrainingOptions();
        var data = new Argument<string>("data")
        {
            Description = "Folder of images, one sub-folder per class; a CSV file with a line for each image, its path and any number of "
                + "labels: photos/1.jpg,dog|beach; or shards, files or addresses, in quotes: \"train-{0000..0146}.tar\"",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Where the model is saved.",
            DefaultValueFactory = _ => "model.zip",
            HelpName = "file",
        }.Named();
        var validation = new Option<string?>("--validation")
        {
            Description = "Images to validate on after each epoch: a folder, CSV file or shards as DATA is, or the share of each class "
                + "that is held out; 0 for none. [default: 0.1]",
            HelpName = "images or share",
        }.Named();
        var test = new Option<string?>("--test")
        {
            Description = "Images to test the trained network on: a folder, CSV file or shards as DATA is. They are checked before "
                + "training.",
            HelpName = "images",
        }.Named();
        var epochs = OptionValues.Whole("--epochs", "How often every image is seen. [default: what the recipe says]", least: 1);
        var moreEpochs = OptionValues.Whole("--more-epochs",
            "Train the model that --output names, which is finished, for so many epochs more: a new run that starts from its weights.",
                least: 1);
        var patience = OptionValues.Whole("--patience",
            "Stop after so many epochs without a better validation, and save the best epoch's network. [default: what the recipe says]",
                least: 1);
        var checkpoints = new Option<string?>("--checkpoints")
        {
            Description = "Folder of checkpoints: stopped, the same command goes on from there. "
                + "[default: the model's name and .checkpoints, deleted when the model is saved]",
            HelpName = "folder",
        }.Named();
        var resume = OptionValues.Choice("--resume", "Whether to go on from a checkpoint, where there is one.", Resume.Auto);
        var maxMinutes = OptionValues.Positive("--max-minutes", "Stop after this time, and save what there is; the same command goes on.");
        var calibrate = new Option<bool>("--calibrate")
        {
            Description = "Fit probabilities to the validation images (temperature scaling).",
        };
        var rejectUnknown = OptionValues.Share(
            "--reject-unknown",
            "Give the model a column IsUnknown, for images of no class: this share of the validation images may be taken for such. "
                + "[default: no such column]");
        var log = new Option<string?>("--log")
        {
            Description = "Folder for history.csv, history.json and event files for TensorBoard.",
            HelpName = "folder",
        }.Named();
        var report = new Option<string?>("--report")
        {
            Description = "Write a report on the --test images as one HTML file.",
            HelpName = "file",
        }.Named();
        var preview = new Option<string?>("--preview")
        {
            Description = "Before training, draw a batch of images as the network will see them, augmented, as a PNG file.",
            HelpName = "file",
        }.Named();
        var stream = new Option<bool>("--stream")
        {
            Description = "Read shards anew in each epoch, and keep no image: for more of them than memory and disk hold. Needs --arch or "
                + "--weights.",
        };
        var command = new Command(
            "train", "Trains a network on a folder of images or on shards, and saves it as an ML.NET model. Needs libtorch. Ctrl+C leaves "
            + "a checkpoint.")
        {
            data, stream, output, epochs, moreEpochs, validation, test, report, preview,
        };
        options.AddTo(command);
        foreach (var option in (Option[])[patience, calibrate, rejectUnknown, checkpoints, resume, maxMinutes, log])
        {
            command.Add(option);
        }

        return command.Runs((arguments, terminal, cancellation) =>
        {
            var (validationFolder, share) = Validation(arguments.GetValue(validation));
            var (more, isTested) = (arguments.GetValue(moreEpochs), arguments.GetValue(test) is not null);
            UsageException.ThrowIf(isTested && options.Reading.ExifOrientation(arguments),
                "--test reads images as the saved model does, which ignores their EXIF orientation: "
                + "leave out --exif-orientation, or test with 'resnet evaluate --exif-orientation'.");
            CheckShards(arguments.GetValue(data)!, validationFolder, arguments.GetValue(test));
            _ = options.Recipe(arguments); // a wrong one is said before images are looked at
            var streams = arguments.GetValue(stream);
            UsageException.ThrowIf(streams && !ShardLabels.AreMeant(arguments.GetValue(data)!),
                $"--stream reads shards anew in each epoch, but '{arguments.GetValue(data)}' is none: leave it out, or pack the images "
                + "into shards with 'resnet shard'.");
            UsageException.ThrowIf(streams && (options.WantsPretrained(arguments) || options.LeavesStartOpen(arguments)),
                "With --stream no image is kept, so no head is trained on features of --pretrained: name the network with --arch, or the "
                + "weights that all layers start from with --weights.");
            UsageException.ThrowIf(arguments.GetValue(report) is not null && !isTested, "--report needs --test, the images to report on.");
            UsageException.ThrowIf(more is not null && (arguments.GetValue(epochs) is not null || options.Weights(arguments) is not null),
                "--more-epochs starts from the weights of the finished model: leave out --epochs and --weights.");
            UsageException.ThrowIf(validationFolder is null && share == 0
                && (arguments.GetValue(patience) is not null
                    || arguments.GetValue(calibrate) || arguments.GetValue(rejectUnknown) is not null),
                "--patience, --calibrate and --reject-unknown need validation images, but --validation is 0.");

            // Of the processes that mpirun started, if it did, the first alone writes; all train.
            var isFirst = DistributedJob.Rank == 0;
            var path = arguments.GetValue(output)!;
            path = isFirst ? OutputFile.Checked(path) : path;
            var reportPath = isFirst && arguments.GetValue(report) is { } html ? OutputFile.Checked(html) : null;
            var previewPath = isFirst && arguments.GetValue(preview) is { } png ? OutputFile.Checked(png) : null;
            var folder = arguments.GetValue(checkpoints) ?? OwnCheckpoints.FolderOf(path);
            if (isFirst && arguments.GetValue(resume) == Resume.Required && !CheckpointFiles.Exist(folder))
            {
                throw new FileNotFoundException(
                    $"There is no checkpoint in '{folder}' to go on from, but --resume is Required. Correct --checkpoints, or leave out "
                    + "--resume.");
            }

            var start = more is not null
                ? (Finished(path, terminal, cancellation), false)
                : options.Initial(arguments, terminal, cancellation);
            var images = new Lazy<LabeledImages>(
                () => LabeledImages.From(arguments.GetValue(data)!, options.OfShards(arguments), terminal, cancellation));
            if (start is null && options.LeavesStartOpen(arguments))
            {
                LibTorch.Load(); // before a word about how training will start
                if (StartingPoint.Choose(images.Value, terminal) is { } chosen)
                {
                    start = (chosen, true);
                }
            }

            var initial = start?.Weights;
            var asked = options.Read(arguments, initial, isPretrained: start?.IsPretrained ?? false);
            var settings = asked with
            {
                Recipe = asked.Recipe with { EarlyStoppingPatience = arguments.GetValue(patience) ?? asked.Recipe.EarlyStoppingPatience },
                Epochs = more ?? arguments.GetValue(epochs) ?? asked.Epochs,
                ValidationShare = share,
                StreamsShards = streams,
                CheckpointFolder = folder,
                Resume = arguments.GetValue(resume),
                MaxDuration = arguments.GetValue(maxMinutes) is { } minutes ? TimeSpan.FromMinutes(Math.Min(minutes, int.MaxValue)) : null,
                Calibrate = arguments.GetValue(calibrate),
                RejectUnknown = arguments.GetValue(rejectUnknown),
                LogFolder = arguments.GetValue(log),
            };
            var training = new Training(settings, terminal, cancellation) { KnownClasses = more is null ? null : initial!.ClassNames };
            training.ReadImages(images.Value, validationFolder, isFirst ? arguments.GetValue(test) : null);
            LibTorch.Load();
            if (more is not null)
            {
                terminal.Say($"Goes on from the weights of '{path}', for {more} more {(more == 1 ? "epoch" : "epochs")}.");
            }

            if (previewPath is not null)
            {
                training.WritePreview(previewPath);
            }

            if (!isFirst)
            {
                training.Join();
                return ExitCode.Success;
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

    private static void CheckShards(string data, string? validation, string? test)
    {
        foreach (var (option, images) in new[] { ("--validation", validation), ("--test", test) })
        {
            UsageException.ThrowIf(images is not null && ShardLabels.AreMeant(images) != ShardLabels.AreMeant(data),
                $"DATA is '{data}', but {option} is '{images}': give shards for both, which 'resnet shard' makes of a folder, or for "
                + "neither.");
        }
    }

    private static (string? Folder, double Share) Validation(string? validation)
    {
        if (validation is null)
        {
            return (null, DefaultValidationShare);
        }

        if (Directory.Exists(validation) || LabelList.IsOne(validation)
            || !double.TryParse(validation, NumberStyles.Float, CultureInfo.InvariantCulture, out var share))
        {
            return (validation, 0);
        }

        UsageException.ThrowIf(share is not (>= 0 and < 1),
            $"--validation is '{validation}', but must be a folder, or a share of the images: 0 or more, and less than 1.");
        return (null, share);
    }

    private static ResNetWeights Finished(string path, Terminal terminal, CancellationToken cancellation) => File.Exists(path)
        ? NetworkOptions.Read(path, terminal, cancellation)
        : throw new FileNotFoundException(
            $"There is no model '{path}' to train for more epochs: name it with --output, or train it with --epochs.");
}
