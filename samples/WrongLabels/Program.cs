// Turns some labels of a data set, looks for wrong labels, and counts how many of the turned ones were found.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.Trainers;
using QuickStart;
using Samples;

var data = new Option<string?>("--data") { Description = "Folder of images, one sub-folder per class. Without it, shapes are drawn." };
var test = new Option<string?>("--test")
{
    Description = "Folder of images to test on. With it, heads on the features, or without weights networks, "
        + "are trained with and without the labels that were found.",
};
var images = CommandLine.Whole("--images", "How many of the images are taken, spread evenly.", byDefault: 5000);
var share = new Option<double>("--share") { Description = "The share of labels that is turned.", DefaultValueFactory = _ => 0.05 };
var weights = new Option<string?>("--weights")
{
    Description = "Weights whose features are looked at: a file, or the name of published ones. "
        + "Without them, a network is trained on the images themselves, wrong labels included.",
};
var architecture = new Option<string?>("--arch") { Description = "The network, where the weights do not say." };
var imageSize = CommandLine.Whole("--image-size", "Height and width that images are resized to, to train on.", byDefault: 32);
var epochs = CommandLine.Whole("--epochs", "How often every image is seen in training.", byDefault: 10);
var report = new Option<string?>("--report") { Description = "An HTML file to write, with the images that were found." };
var seed = CommandLine.Whole("--seed", "Decides which labels are turned, and all that is random in training.", byDefault: 1, least: 0);

const double surest = 0.5; // the least margin that a label is taken by
var command = new RootCommand("Turns labels, and looks for them.")
{
    data, test, images, share, weights, architecture, imageSize, epochs, report, seed,
};
return await Sample.Run(command, args, (arguments, cancellation) =>
{
    var (path, part) = (arguments.GetValue(report), arguments.GetValue(share));
    if (path is not null)
    {
        WritableFile.Ensure("--report", path);
    }

    if (!(part is >= 0 and <= 1))
    {
        throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"--share is {part}, but must be from 0 to 1."));
    }

    var ml = new MLContext(arguments.GetValue(seed));
    var testFiles = arguments.GetValue(test) is { } testFolder ? ml.Data.LoadImageFolder(testFolder) : null;
    var folder = arguments.GetValue(data) ?? Draw();
    var right = Spread(Rows(ml, folder), arguments.GetValue(images));
    ClassCheck.RefuseOneClass([.. right.Select(row => row.Label)], folder);
    var classes = right.Select(row => row.Label).Distinct().ToArray();
    var (files, turned) = Turn(right, classes, part, new Random(arguments.GetValue(seed)));
    var load = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.LoadImages("Image", null, "ImagePath"));
    var view = ml.Data.LoadFromEnumerable(files);

    var clock = Stopwatch.StartNew();
    LabelIssues found;
    Func<IDataView, ITransformer> train = Train;
    if (arguments.GetValue(weights) is { } source)
    {
        var network = FeatureNetwork.Find(source, arguments.GetValue(architecture));
        var featurize = load
            .Append(ml.Transforms.ResNetFeaturizeImage(network.Weights, network.Architecture, preprocessing: network.Preprocessing))
            .Fit(view);
        found = ml.MulticlassClassification.FindLabelIssues(
            featurize.Transform(view), new LabelIssueOptions { CancellationToken = cancellation });
        var head = ml.Transforms.NormalizeMeanVariance("Features")
            .Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
                new LbfgsMaximumEntropyMulticlassTrainer.Options { L1Regularization = 0, L2Regularization = 10, NumberOfThreads = 1 }));
        train = training => featurize.Append(head.Fit(ml.Data.Cache(featurize.Transform(training), "Label", "Features")));
    }
    else
    {
        using var model = Train(view);
        found = model.FindLabelIssues(view, new LabelIssueOptions { CancellationToken = cancellation });
    }

    var seconds = clock.Elapsed.TotalSeconds;
    Say($"{files.Length:n0} images, {turned.Count:n0} labels turned; heads agree with {found.Accuracy:p1} of the labels; {seconds:f1} s");
    Console.WriteLine("taken\tfound\tprecision\trecall\tright suggestions");
    Tell("all", found);
    Tell("surest", found.FromMargin(surest));
    if (path is not null)
    {
        found.WriteReport(path);
    }

    if (testFiles is not null)
    {
        var (before, after) = (Test(view), Test(found.RemoveFrom(view)));
        var best = Test(ml.Data.LoadFromEnumerable(right));
        Say($"test accuracy: with the turned labels {before:p2}, without those found {after:p2}, with right labels {best:p2}");

        double Test(IDataView training)
        {
            var model = train(training);
            return ml.MulticlassClassification.Evaluate(model.Transform(testFiles)).MicroAccuracy;
        }
    }

    void Tell(string taken, LabelIssues issues)
    {
        var hits = issues.Issues.Where(issue => turned.ContainsKey(issue.Row)).ToArray();
        var suggestions = hits.Count(issue => turned[issue.Row] == issue.Suggested);
        var (precision, recall) = (Share(hits.Length, issues.Issues.Length), Share(hits.Length, turned.Count));
        Say($"{taken}\t{issues.Issues.Length}\t{precision}\t{recall}\t{Share(suggestions, hits.Length)}");

        static string Share(int part, int whole) => whole == 0 ? "–" : ((double)part / whole).ToString("p1", CultureInfo.InvariantCulture);
    }

    Microsoft.ML.Data.TransformerChain<ResNetClassificationTransformer> Train(IDataView training) =>
        load.Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            InputShape = new ImageShape(3, arguments.GetValue(imageSize), arguments.GetValue(imageSize)),
            Epochs = arguments.GetValue(epochs),
            BatchSize = 64,
            LearningRate = 0.05,
            ValidationFraction = 0,
            Progress = new ConsoleProgress(),
            Seed = arguments.GetValue(seed),
            CancellationToken = cancellation,
        })).Fit(training);
});

static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

static ImageFolderRow[] Rows(MLContext ml, string folder) =>
    [.. ml.Data.CreateEnumerable<ImageFolderRow>(ml.Data.LoadImageFolder(folder), reuseRowObject: false)];

static ImageFolderRow[] Spread(ImageFolderRow[] rows, int count) =>
    count >= rows.Length ? rows : [.. Enumerable.Range(0, count).Select(index => rows[(int)((long)index * rows.Length / count)])];

// Each to any of the other classes.
static (ImageFolderRow[] Files, Dictionary<long, string> Turned) Turn(ImageFolderRow[] right, string[] classes, double share, Random random)
{
    int[] rows = [.. Enumerable.Range(0, right.Length)];
    random.Shuffle(rows);
    ImageFolderRow[] files = [.. right];
    var turned = new Dictionary<long, string>();
    foreach (var row in rows.Take((int)Math.Round(share * rows.Length)))
    {
        var others = classes.Where(label => label != right[row].Label).ToArray();
        files[row] = new ImageFolderRow { ImagePath = right[row].ImagePath, Label = others[random.Next(others.Length)] };
        turned.Add(row, right[row].Label);
    }

    return (files, turned);
}

static string Draw()
{
    var folder = Path.Combine(AppContext.BaseDirectory, "shapes");
    ShapesDataset.Create(folder, trainPerClass: 200, testPerClass: 1, seed: 1);
    return Path.Combine(folder, "train");
}
