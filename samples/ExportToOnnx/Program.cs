// Trains a network, exports it as one ONNX file, and scores with that file through ML.NET's ApplyOnnxModel: the same probabilities.
using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.Transforms.Image;
using QuickStart;
using Samples;

const int seed = 1;
const double tolerance = 1e-5;
var data = new Option<string?>("--data") { Description = "Folder of images, one sub-folder per class. Without it, shapes are drawn." };
var epochs = CommandLine.Whole("--epochs", "How often every image is seen.", byDefault: 4);
var imageSize = CommandLine.Whole("--image-size", "Height and width that images are resized to.", byDefault: 32);
var output = new Option<string>("--output") { Description = "The file to write.", DefaultValueFactory = _ => "network.onnx" };

var command = new RootCommand("Exports a network as ONNX and applies the file.") { data, epochs, imageSize, output };
return await Sample.Run(command, args, (arguments, cancellation) =>
{
    var file = arguments.GetValue(output)!;
    WritableFile.Ensure("--output", file);
    var ml = new MLContext(seed);
    var files = ml.Data.LoadImageFolder(arguments.GetValue(data) ?? Draw());
    var size = arguments.GetValue(imageSize);
    var images = ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
        .Fit(files)
        .Transform(files);
    using var network = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = ResNetArchitecture.ResNet20,
        InputShape = new ImageShape(3, size, size),
        Epochs = arguments.GetValue(epochs),
        BatchSize = 64,
        LearningRate = 0.05,
        Progress = new ConsoleProgress(),
        CancellationToken = cancellation,
    }).Fit(images);

    network.ExportOnnx(file);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Wrote {file}, {new FileInfo(file).Length:n0} bytes."));

    // Cropping and normalization are in the graph; resizing is ML.NET's.
    var (height, width) = network.Preprocessing.ResizeTo;
    var onnx = ml.Transforms.ResizeImages("Resized", width, height, "Image", ImageResizingEstimator.ResizingKind.IsoCrop)
        .Append(ml.Transforms.ExtractPixels("pixels", "Resized", outputAsFloatArray: false))
        .Append(ml.Transforms.ApplyOnnxModel("probabilities", "pixels", file));
    var expected = network.Transform(images).GetColumn<float[]>("Score");
    var applied = onnx.Fit(images).Transform(images).GetColumn<float[]>("probabilities");
    var difference = expected.Zip(applied).Max(row => row.First.Zip(row.Second).Max(pair => Math.Abs(pair.First - pair.Second)));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Largest difference of a probability: {difference:g2}."));
    if (!(difference <= tolerance))
    {
        throw new InvalidOperationException(
            $"'{file}' does not score as the network does: a probability differs by {difference}, more than {tolerance}.");
    }
});

static string Draw()
{
    var folder = Path.Combine(AppContext.BaseDirectory, "shapes");
    ShapesDataset.Create(folder, trainPerClass: 200, testPerClass: 1, seed);
    return Path.Combine(folder, "train");
}
