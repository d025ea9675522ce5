// Trains a network that tells images of none of its classes, and counts how often it does: on images of its classes, and on others.
using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using QuickStart;
using Samples;

var data = new Option<string>("--data") { Description = "Folder of images to train on, one sub-folder per class.", Required = true };
var test = new Option<string>("--test") { Description = "Folder of other images of the same classes.", Required = true };
var unknown = new Option<string?>("--unknown")
{
    Description = "Folder of images of other classes, with sub-folders. Without it, shapes are drawn.",
};
var reject = new Option<double>("--reject")
{
    Description = "The share of the validation images that may be taken for images of no class.",
    DefaultValueFactory = _ => 0.05,
};
var images = CommandLine.Whole("--images", "How many of the images are trained on, spread evenly.", byDefault: 10_000);
var weights = new Option<string?>("--weights")
{
    Description = "A checkpoint of ResNet-20 to start from. Without it, from random weights.",
};
var imageSize = CommandLine.Whole("--image-size", "Height and width that images are resized to.", byDefault: 32);
var epochs = CommandLine.Whole("--epochs", "How often every image is seen.", byDefault: 2);
var learningRate = new Option<double>("--learning-rate") { Description = "The learning rate.", DefaultValueFactory = _ => 0.01 };
var output = new Option<string>("--output") { Description = "The model to write.", DefaultValueFactory = _ => "unknown-images.zip" };

var command = new RootCommand("Tells images of no class.")
{
    data, test, unknown, reject, images, weights, imageSize, epochs, learningRate, output,
};
return await Sample.Run(command, args, (arguments, cancellation) =>
{
    WritableFile.Ensure("--output", arguments.GetValue(output)!);
    var ml = new MLContext(seed: 1);
    var rows = ml.Data.CreateEnumerable<ImageFolderRow>(ml.Data.LoadImageFolder(arguments.GetValue(data)!), reuseRowObject: false)
        .ToArray();
    ClassCheck.RefuseUnknown(
        [.. rows.Select(row => row.Label)], [.. ml.Data.LoadImageFolder(arguments.GetValue(test)!).GetColumn<string>("Label")]);
    var count = Math.Min(arguments.GetValue(images), rows.Length);
    var files = ml.Data.LoadFromEnumerable(
        Enumerable.Range(0, count).Select(index => rows[(int)((long)index * rows.Length / count)]).ToArray());
    var size = arguments.GetValue(imageSize);
    var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
        .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            InputShape = new ImageShape(3, size, size),
            InitialWeights = arguments.GetValue(weights) is { } source
                ? ResNetWeights.Load(source).WithPreprocessing(ImagePreprocessing.Cifar10)
                : null,
            Epochs = arguments.GetValue(epochs),
            LearningRate = arguments.GetValue(learningRate),
            BatchSize = 64,
            Calibrate = true,
            RejectUnknown = arguments.GetValue(reject),
            Progress = new ConsoleProgress(),
            CancellationToken = cancellation,
        }));
    using (var model = pipeline.Fit(files))
    {
        ml.Model.Save(model, files.Schema, arguments.GetValue(output)!);
        var history = model.LastTransformer.History;
        Say($"temperature {history.Temperature:f2}; unknown, unless a probability is above {history.UnknownThreshold:f3}");
    }

    // Any program with ML.NET reads it so. Not disposed of, it would leave a copy of the network in the temporary folder.
    using var saved = (TransformerChain<ITransformer>)ml.Model.Load(arguments.GetValue(output)!, out _);
    var known = Predict(arguments.GetValue(test)!);
    var others = Predict(arguments.GetValue(unknown) ?? Draw());
    var accepted = known.Where(row => !row.IsUnknown).ToArray();
    var (all, kept) = (known.Average(row => row.IsRight), accepted.Average(row => row.IsRight));
    Say($"{known.Length:n0} test images: {Share(known):p1} rejected, which is false; accuracy {all:p1}, of the accepted {kept:p1}");
    Say($"{others.Length:n0} images of no class: {Share(others):p1} rejected");
    Say($"a known image has a higher probability than one of no class in {Auroc(known, others):p1} of all pairs (AUROC)");

    Row[] Predict(string folder)
    {
        var scored = saved.Transform(ml.Data.LoadImageFolder(folder));
        var predicted = ml.Transforms.Conversion.MapKeyToValue("Predicted", "PredictedLabel").Fit(scored).Transform(scored);
        var labels = ml.Data.LoadImageFolder(folder).GetColumn<string>("Label");
        return [.. predicted.GetColumn<bool>("IsUnknown")
            .Zip(predicted.GetColumn<float[]>("Score"), predicted.GetColumn<string>("Predicted"))
            .Zip(labels, (row, label) => new Row(row.First, row.Second.Max(), row.Third == label ? 1 : 0))];
    }
});

static double Share(Row[] rows) => rows.Average(row => row.IsUnknown ? 1.0 : 0);

static double Auroc(Row[] known, Row[] others)
{
    var sorted = others.Select(row => row.Probability).Order().ToArray();
    return known.Average(
        row => (LowerBound(sorted, row.Probability) + LowerBound(sorted, MathF.BitIncrement(row.Probability))) / (2.0 * sorted.Length));
}

// How many values are less.
static int LowerBound(float[] sorted, float value)
{
    var (low, high) = (0, sorted.Length);
    while (low < high)
    {
        var middle = (low + high) / 2;
        (low, high) = sorted[middle] < value ? (middle + 1, high) : (low, middle);
    }

    return low;
}

static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

static string Draw()
{
    var folder = Path.Combine(AppContext.BaseDirectory, "shapes");
    ShapesDataset.Create(folder, trainPerClass: 1, testPerClass: 200, seed: 1);
    return Path.Combine(folder, "test");
}

internal sealed record Row(bool IsUnknown, float Probability, double IsRight);
