// Trains on grayscale pixels from a CSV file, read by ML.NET's TextLoader: a label, then a number from 0 to
// 255 for each pixel, as MNIST is often stored.
using System.CommandLine;
using System.Globalization;
using Grayscale;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;

const int seed = 1;
var data = new Option<string?>("--data")
{
    Description = "CSV file: label, then the pixels, row by row. Without it, shapes are drawn into one.",
};
var header = new Option<bool>("--header") { Description = "The file's first line names the columns." };
var size = CommandLine.Whole("--size", "The images' height and width in pixels.", byDefault: 28);
var epochs = CommandLine.Whole("--epochs", "How often every image is seen.", byDefault: 6);
var perClass = CommandLine.Whole("--per-class", "How many images of each shape are drawn.", byDefault: 300);

var command = new RootCommand("Trains ResNet-20 on grayscale pixels from a CSV file.") { data, header, size, epochs, perClass };
return await Sample.Run(command, args, (arguments, cancellation) =>
{
    var side = arguments.GetValue(size);
    var file = arguments.GetValue(data)
        ?? PixelFile.Draw(Path.Combine(AppContext.BaseDirectory, "shapes.csv"), side, arguments.GetValue(perClass), seed);

    PixelFile.RefuseOtherSize(file, side, arguments.GetValue(header));

    var ml = new MLContext(seed);
    var rows = ml.Data.LoadFromTextFile(file, new TextLoader.Options
    {
        Separators = [','],
        HasHeader = arguments.GetValue(header),
        Columns = [new TextLoader.Column("Name", DataKind.String, 0), new TextLoader.Column("Pixels", DataKind.Byte, 1, side * side)],
    });
    var split = ml.Data.TrainTestSplit(rows, testFraction: 0.2, seed: seed);

    // A vector does not tell an image's shape: one channel, and the sides, are given.
    var pipeline = ml.Transforms.Conversion.MapValueToKey("Label", "Name")
        .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            ImageColumnName = "Pixels",
            InputShape = new ImageShape(Channels: 1, side, side),
            Recipe = TrainingRecipe.Modern with { HorizontalFlip = false }, // a digit's mirror image is no digit
            Epochs = arguments.GetValue(epochs),
            BatchSize = 64,
            LearningRate = 0.05,
            Progress = new ConsoleProgress(),
            CancellationToken = cancellation,
        }));
    var model = pipeline.Fit(split.TrainSet);

    var metrics = ml.MulticlassClassification.Evaluate(model.Transform(split.TestSet));
    Console.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"test accuracy {metrics.MicroAccuracy:p2}, log-loss {metrics.LogLoss:f3}"));
});
