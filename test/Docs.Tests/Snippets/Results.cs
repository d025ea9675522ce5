using System.Threading.Channels;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.Transforms.Image;

namespace Docs.Snippets;

internal static class Results
{
    public static MulticlassClassificationMetrics Evaluate(MLContext ml, ITransformer model)
    {
        #region Evaluate
        var test = ml.Data.LoadImageFolder("photos/test");
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test), topKPredictionCount: 2);
        Console.WriteLine(metrics.ConfusionMatrix.GetFormattedConfusionTable());
        model.WriteReport("report.html", test, new ReportOptions { Title = "Stripes", WorstMistakes = 12 });
        #endregion
        return metrics;
    }

    public static (int Responses, double Flipped) Look(ITransformer model, IDataView images)
    {
        #region Look
        var network = model.GetResNet();
        using var image = MLImage.CreateFromFile("photo.png");
        var map = network.GradCam(image);                                       // where it sees the class that it predicts
        using var overlay = map.Overlay();
        overlay.Save("where.png");

        var responses = network.LayerResponses(images, maximumImages: 500);     // figure 7 of the paper
        var flipped = network.Evaluate(images, TestTimeViews.Flip);             // or TenCrop, MultiScale()
        TrainingCurves.Plot("curves.svg", ("ResNet-20", network.History));
        #endregion
        return (responses.Length, flipped.MicroAccuracy);
    }

    public static (LabelIssues Found, IDataView Cleaned) WrongLabels(MLContext ml)
    {
        #region WrongLabels
        var weights = ResNetWeights.Load("network.safetensors");                 // of a network that was trained on other images
        var files = ml.Data.LoadImageFolder("photos/train");
        using var featurize = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.Transforms.ResNetFeaturizeImage(weights, ResNetArchitecture.ResNet20))
            .Fit(files);

        var found = ml.MulticlassClassification.FindLabelIssues(featurize.Transform(files));
        foreach (var issue in found.Issues.Take(10))
        {
            Console.WriteLine($"{issue.Path}: labelled {issue.Label}, probably {issue.Suggested} ({issue.Margin:0.00})");
        }

        found.WriteReport("labels.html");                                        // with pictures; WriteCsv writes a table
        var rest = found.FromMargin(0.5).RemoveFrom(files);                      // the files without the surest of them
        #endregion
        return (found, rest);
    }

    public static async Task<Prediction[]> Serve(CancellationToken cancellationToken)
    {
        #region ServePool
        var ml = new MLContext();
        var model = ml.Model.Load("model.zip", out _);
        var engines = Channel.CreateBounded<PredictionEngine<ImageInput, Prediction>>(Environment.ProcessorCount);
        for (var i = 0; i < Environment.ProcessorCount; i++)
        {
            engines.Writer.TryWrite(ml.Model.CreatePredictionEngine<ImageInput, Prediction>(model));
        }

        async Task<Prediction> Predict(string path)
        {
            var engine = await engines.Reader.ReadAsync(cancellationToken);      // waits while all are at work
            try
            {
                return engine.Predict(new ImageInput { ImagePath = path });
            }
            finally
            {
                engines.Writer.TryWrite(engine);
            }
        }
        #endregion
        return await Task.WhenAll(Directory.GetFiles("photos/test", "*.png", SearchOption.AllDirectories).Select(Predict));
    }

    public static ResNetPrediction[] Predict(CancellationToken cancellationToken)
    {
        #region Predictor
        using var predictor = ResNetPredictor.Load("model.zip");
        var prediction = predictor.Predict("photo.png");                        // or a Stream, bytes, an MLImage
        Console.WriteLine($"{prediction.Label}: {prediction.Probability:p1}");
        foreach (var (label, probability) in prediction.Top(2))
        {
            Console.WriteLine($"{label,-12} {probability:p1}");
        }
        #endregion

        #region PredictorMany
        var many = predictor.PredictMany(
            Directory.EnumerateFiles("photos/test", "*.png", SearchOption.AllDirectories),
            skipBadImage: (path, exception) => Console.Error.WriteLine(exception.Message),
            cancellationToken);
        foreach (var each in many)                                              // read, decoded and scored as it is asked for
        {
            Console.WriteLine($"{each.Path} {each}");
        }
        #endregion
        return [.. many];
    }

    public static void Open(MLContext ml)
    {
        #region PredictorOpen
        using var predictor = ResNetPredictor.Load("model.zip");
        Console.WriteLine(predictor.Card?.ToMarkdown());                        // how it was trained
        predictor.ExportOnnx("network.onnx");
        predictor.WriteReport("report.html", "photos/test");                    // these two need Microsoft.ML.ResNet.Trainers
        using var image = ResNetImage.Load("photo.png");
        using var overlay = predictor.GradCam(image).Overlay();

        using var network = predictor.ToTransformer(ml);                        // a stage of ML.NET's pipelines again
        #endregion
    }

    public static (SimilarImage[] Found, NearDuplicate[] Duplicates) Similar()
    {
        #region Similar
        using var predictor = ResNetPredictor.Load("model.zip");
        SimilarImages.Of(predictor.EmbedMany("photos/train")).Save("train.similar");

        var images = SimilarImages.Load("train.similar");
        var found = images.Find(predictor.Embed("photo.png"), count: 5);
        foreach (var (path, similarity) in found)
        {
            Console.WriteLine($"{similarity:f3} {path}");
        }
        #endregion

        #region Duplicates
        var test = SimilarImages.Of(predictor.EmbedMany("photos/test"));
        var duplicates = test.FindDuplicates(images, SimilarImages.DuplicateSimilarity);
        #endregion
        return ([.. found], [.. duplicates]);
    }

    public static string[] Classify(MLContext ml)
    {
        #region Classify
        var weights = ResNetWeights.Load("resnet18-f37072fd.pth");
        var classNames = File.ReadAllLines("classes.txt");          // one name for each output of the network, in their order
        var files = ml.Data.LoadImageFolder("photos/test");
        var classifier = ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(ml.Transforms.ApplyResNet(
                weights, ResNetArchitecture.ResNet18, classNames, preprocessing: ImagePreprocessing.ImageNetV1))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"))
            .Fit(files);

        var found = classifier.Transform(files).GetColumn<string>("PredictedLabelText").ToArray();
        ml.Model.Save(classifier, files.Schema, "model.zip");       // plain ML.NET, as after training
        #endregion
        return found;
    }

    public static MulticlassClassificationMetrics Featurize(MLContext ml)
    {
        #region Featurize
        var weights = ResNetWeights.Load("network.safetensors");
        var featurize = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.Transforms.ResNetFeaturizeImage(weights, ResNetArchitecture.ResNet20))
            .Append(ml.Transforms.SelectColumns("Label", "Features"));

        var files = ml.Data.LoadImageFolder("photos/train");
        var fitted = featurize.Fit(files);
        var features = ml.Data.Cache(fitted.Transform(files));      // every image goes through the network once
        var model = ml.MulticlassClassification.Trainers.SdcaMaximumEntropy().Fit(features);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(fitted.Transform(ml.Data.LoadImageFolder("photos/test"))));
        #endregion
        return metrics;
    }

    public static IDataView Convert(MLContext ml, ResNetClassificationTransformer network, IDataView images)
    {
        #region Convert
        network.Weights.Save("network.safetensors");                // with the network's name, its preprocessing and the classes
        network.ExportOnnx("network.onnx");                         // pixels in, probabilities out
        network.ExportOnnx("channels-last.onnx", new OnnxExportOptions { ChannelsLast = true, FoldBatchNorm = true, Softmax = false });

        var again = ml.Transforms.ApplyResNet(ResNetWeights.Load("network.onnx"), ResNetArchitecture.ResNet20).Fit(images);
        #endregion
        return again.Transform(images);
    }

    public static double Quantize(MLContext ml, ResNetClassificationTransformer network, IDataView images)
    {
        #region Quantize
        using var quantized = network.Quantize(images);             // a few hundred images like those to come; no label needed
        var (before, after) = (
            ml.MulticlassClassification.Evaluate(network.Transform(images)),
            ml.MulticlassClassification.Evaluate(quantized.Transform(images)));
        Console.WriteLine($"{before.MicroAccuracy:p2} in floats, {after.MicroAccuracy:p2} in integers");

        ml.Model.Save(quantized, images.Schema, "quantized.zip");   // loads, scores and exports as any other
        quantized.ExportOnnx("quantized.onnx");
        #endregion
        return before.MicroAccuracy - after.MicroAccuracy;
    }

    public static IDataView ApplyOnnx(MLContext ml, ResNetClassificationTransformer network, IDataView images)
    {
        #region ApplyOnnx
        var (height, width) = network.Preprocessing.ResizeTo;
        var pipeline = ml.Transforms.ResizeImages("Resized", width, height, "Image", ImageResizingEstimator.ResizingKind.IsoCrop)
            .Append(ml.Transforms.ExtractPixels("pixels", "Resized", outputAsFloatArray: false))
            .Append(ml.Transforms.ApplyOnnxModel("probabilities", "pixels", "network.onnx"));
        #endregion
        return pipeline.Fit(images).Transform(images);
    }
}
