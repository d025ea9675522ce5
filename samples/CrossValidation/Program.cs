// Cross-validates a residual network with ML.NET's own CrossValidate, as any other trainer.
using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using QuickStart;
using Samples;

const int seed = 1;
var data = new Option<string?>("--data") { Description = "Folder of images, one sub-folder per class. Without it, shapes are drawn." };
var folds = CommandLine.Whole("--folds", "In how many parts the images are split.", byDefault: 4, least: 2);
var epochs = CommandLine.Whole("--epochs", "How often every image is seen.", byDefault: 12);
var imageSize = CommandLine.Whole("--image-size", "Height and width that images are resized to.", byDefault: 32);

return await Sample.Run(new RootCommand("Cross-validates ResNet-20.") { data, folds, epochs, imageSize }, args, (arguments, cancellation) =>
{
    var ml = new MLContext(seed);
    var files = ml.Data.LoadImageFolder(arguments.GetValue(data) ?? Draw());
    var size = arguments.GetValue(imageSize);

    // Keys are made before the split: every fold has the same classes then, in the same order.
    var images = ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
        .Fit(files)
        .Transform(files);
    var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = ResNetArchitecture.ResNet20,
        InputShape = new ImageShape(3, size, size),
        Epochs = arguments.GetValue(epochs),
        BatchSize = 64,
        LearningRate = 0.05,
        ValidationFraction = 0, // CrossValidate holds out what it tests on
        Progress = new ConsoleProgress(),
        CancellationToken = cancellation,
    });

    var results = ml.MulticlassClassification.CrossValidate(images, trainer, arguments.GetValue(folds), seed: seed);
    foreach (var result in results)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"fold {result.Fold + 1}: accuracy {result.Metrics.MicroAccuracy:p2}, log-loss {result.Metrics.LogLoss:f3}"));
        (result.Model as IDisposable)?.Dispose();
    }

    var accuracies = results.Select(result => result.Metrics.MicroAccuracy).ToArray();
    var mean = accuracies.Average();
    var deviation = Math.Sqrt(accuracies.Sum(accuracy => (accuracy - mean) * (accuracy - mean)) / (accuracies.Length - 1));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"accuracy {mean:p2} ± {deviation:p2}"));
});

static string Draw()
{
    var folder = Path.Combine(AppContext.BaseDirectory, "shapes");
    ShapesDataset.Create(folder, trainPerClass: 200, testPerClass: 1, seed);
    return Path.Combine(folder, "train");
}
