// Trains a classifier of images unless there is one, tests it, and classifies the files that are named, or one of the test images.
using System.Globalization;
using Microsoft.ML.ResNet.Trainers;
using ModelBuilder;
//#if (sample)
using QuickStart;
//#endif

// Training may take long: a name that is wrong is said before.
if (args.FirstOrDefault(path => !File.Exists(path)) is { } missing)
{
    Console.Error.WriteLine(
        $"There is no image '{missing}'. Name image files to classify; without any, the model is trained unless it is there, and tested.");
    return 1;
}

try
{
    var folder = MLModel.Config.DataSource.FolderPath;
    //#if (sample)
    if (folder == "data/shapes/train" && !Directory.Exists(folder))
    {
        // In a folder beside it first: what was stopped half-way is not taken for all images.
        const string unfinished = "data/shapes/unfinished";
        ShapesDataset.Create(unfinished, trainPerClass: 250, testPerClass: 1, seed: 1);
        Directory.Move($"{unfinished}/train", folder);
        Directory.Delete(unfinished, recursive: true);
        Console.WriteLine($"Drew images of {ShapesDataset.ClassNames.Count} shapes in '{Path.GetFullPath(folder)}'.");
    }

    //#endif
    if (!File.Exists(MLModel.MLNetModelPath))
    {
        MLModel.Train(MLModel.MLNetModelPath, folder, new ConsoleProgress());
        Console.WriteLine($"Saved '{MLModel.MLNetModelPath}'. Delete it to train again.");
    }

    if (args.Length == 0)
    {
        var metrics = MLModel.Evaluate(MLModel.MLNetModelPath, folder);
        Print($"test accuracy {metrics.MicroAccuracy:p1}, log-loss {metrics.LogLoss:f3}");
        Console.WriteLine(metrics.ConfusionMatrix.GetFormattedConfusionTable());
    }

    foreach (var path in args.Length > 0 ? args : MLModel.TestImages(folder).TakeLast(1))
    {
        Console.WriteLine(path);
        foreach (var (label, probability) in MLModel.PredictAllLabels(new MLModel.ModelInput { ImageSource = File.ReadAllBytes(path) }))
        {
            Print($"  {label}: {probability:p1}");
        }
    }

    return 0;
}
catch (Exception exception) when (exception is ArgumentException or FormatException or IOException or InvalidDataException
    or InvalidOperationException or UnauthorizedAccessException or TrainingDivergedException or DllNotFoundException)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
