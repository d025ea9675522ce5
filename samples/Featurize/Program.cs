// Turns images into the features of a published network, once, and trains two of ML.NET's own trainers on them.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using QuickStart;
using Samples;

const int seed = 1;
var weights = new Option<string?>("--weights")
{
    Description =
        "A checkpoint, or the name of a published one, which is downloaded once. Without it, ResNet-18 of ImageNet, which is here.",
};
var architecture = new Option<string?>("--arch") { Description = "The network, where the checkpoint does not say." };
var data = new Option<string?>("--data") { Description = "Folder of images, one sub-folder per class. Without it, shapes are drawn." };

var command = new RootCommand("Trains SDCA and LightGBM on the features of a residual network.") { weights, architecture, data };
return await Sample.Run(command, args, (arguments, cancellation) =>
{
    var ml = new MLContext(seed);
    var folder = arguments.GetValue(data) ?? Draw();
    var files = ml.Data.LoadImageFolder(folder);
    ClassCheck.RefuseOneClass([.. files.GetColumn<string>("Label")], folder);
    var network = FeatureNetwork.Find(arguments.GetValue(weights), arguments.GetValue(architecture));
    var featurize = ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
        .Append(ml.Transforms.ResNetFeaturizeImage(network.Weights, network.Architecture, preprocessing: network.Preprocessing))
        .Append(ml.Transforms.SelectColumns("Label", "Features"));

    // Every image goes through the network once, here. The trainers read what is kept.
    var features = ml.Data.Cache(featurize.Fit(files).Transform(files));
    var (making, images) = (Stopwatch.StartNew(), 0);
    foreach (var _ in features.GetColumn<VBuffer<float>>("Features"))
    {
        cancellation.ThrowIfCancellationRequested();
        images++;
    }

    Console.Error.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"Features of {images:n0} images: {making.Elapsed.TotalSeconds:f1} s."));
    var split = ml.Data.TrainTestSplit(features, testFraction: 0.2, seed: seed);

    Console.WriteLine("trainer\taccuracy\tlog-loss\tseconds");
    Compare("SDCA", ml.MulticlassClassification.Trainers.SdcaMaximumEntropy());
    Compare("LightGBM", ml.MulticlassClassification.Trainers.LightGbm());

    void Compare<T>(string trainer, IEstimator<T> estimator)
        where T : class, ITransformer
    {
        var clock = Stopwatch.StartNew();
        var model = estimator.Fit(split.TrainSet);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(split.TestSet));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{trainer}\t{metrics.MicroAccuracy:p2}\t{metrics.LogLoss:f3}\t{clock.Elapsed.TotalSeconds:f1}"));
    }
});

static string Draw()
{
    var folder = Path.Combine(AppContext.BaseDirectory, "shapes");
    ShapesDataset.Create(folder, trainPerClass: 100, testPerClass: 1, seed);
    return Path.Combine(folder, "train");
}
