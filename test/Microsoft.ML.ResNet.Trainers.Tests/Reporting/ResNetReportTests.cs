using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Tests.Reporting.Pages;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting;

public sealed class ResNetReportTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_trained_network_is_reported_on_in_one_file()
    {
        Pictures.Write(_folder["images"], perClass: 10, height: 20, width: 24);
        var data = TrainingData.Images(_ml, _folder["images"]);
        using var model = _ml.MulticlassClassification.Trainers.ResNet(TrainingData.Options).Fit(data);

        model.WriteReport(_folder["report.html"], data, new ReportOptions { Title = "Stripes", WorstMistakes = 3, CalibrationData = data });

        var page = Page.Read(_folder["report.html"]);
        Assert.Equal("Stripes", page.Title);
        Assert.Equal(
            ["results", "training", "confusion", "classes", "mistakes", "calibration", "views", "responses", "time", "card"],
            page.QuerySelectorAll("main section").Select(section => section.Id));
        Assert.Equal(3, page.QuerySelectorAll(".mistakes li").Length);
        Assert.Equal(9, page.QuerySelectorAll(".mistakes img").Length);         // each image, and where two classes were seen in it
        Assert.Equal(2, page.QuerySelectorAll("#training tbody tr").Length);
        Assert.All(
            [
                "\"Epochs\": 2,", "Float32", "9 to train on, 1 to validate on", model.History.Conditions!.StartingWeightsHash,
                _folder["images"],
            ],
            text => Assert.Contains(text, page.QuerySelector("#card details")!.TextContent, StringComparison.Ordinal));
        Assert.Equal(["images", "report.html"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_pipeline_is_reported_on_with_the_data_that_comes_to_it()
    {
        Pictures.Write(_folder["images"], perClass: 4, height: 20, width: 24);
        var files = _ml.Data.LoadImageFolder(_folder["images"]);
        var learning = _ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(_ml.MulticlassClassification.Trainers.ResNet(TrainingData.Options))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Name", "PredictedLabel"));
        ITransformer pipeline = _ml.Transforms.Conversion.MapValueToKey("Label").Append(learning).Fit(files);

        pipeline.WriteReport(_folder["report.html"], files, new ReportOptions { CalibrationData = files });

        var page = Page.Read(_folder["report.html"]);
        Assert.Equal("tiny", page.Title);
        Assert.Contains("12 test images", page.QuerySelector(".lede")!.TextContent, StringComparison.Ordinal);
        Assert.Equal(2, page.QuerySelectorAll("#calibration figure").Length);
        ((IDisposable)pipeline).Dispose();
    }

    [Fact]
    public void Test_images_that_were_trained_on_are_told()
    {
        Pictures.Write(_folder["train"], perClass: 6, height: 20, width: 24);
        Pictures.Write(_folder["test"], perClass: 4, height: 20, width: 24, seed: 2);
        File.Copy(_folder["train/lying/002.png"], _folder["test/lying/copy.png"]);
        var (train, test) = (TrainingData.Images(_ml, _folder["train"]), TrainingData.Images(_ml, _folder["test"]));
        using var model = _ml.MulticlassClassification.Trainers.ResNet(TrainingData.Options).Fit(train);
        var options = new ReportOptions { TrainingData = train, GradCam = false, LayerResponseImages = 0, TestTimeViews = [] };

        model.WriteReport(_folder["report.html"], test, options);

        var section = Page.Read(_folder["report.html"]).QuerySelector("#duplicates")!;
        Assert.Contains("Of 13 test images", section.TextContent, StringComparison.Ordinal);
        Assert.Contains("in training: lying/002.png", section.TextContent, StringComparison.Ordinal);
        Assert.Contains("lying/copy.png", section.QuerySelector("li .class")!.TextContent, StringComparison.Ordinal);
        Assert.Equal(2, section.QuerySelectorAll("li:first-child img").Length);
    }

    [Fact]
    public void A_network_that_was_loaded_is_reported_on_looked_into_and_scores_as_it_did()
    {
        Pictures.Write(_folder["images"], perClass: 6, height: 36, width: 40);
        var files = _ml.Data.LoadImageFolder(_folder["images"]);
        var options = new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20, InputShape = new ImageShape(3, 16, 16), Epochs = 1, BatchSize = 6,
            Precision = TrainingPrecision.BFloat16, Calibrate = true, ValidationFraction = 0.3, Seed = 1,
        };
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label").Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(_ml.MulticlassClassification.Trainers.ResNet(options)).Fit(files);
        _ml.Model.Save(pipeline, files.Schema, _folder["model.zip"]);
        using var loaded = (TransformerChain<ITransformer>)_ml.Model.Load(_folder["model.zip"], out _);
        var expected = loaded.Transform(files).GetColumn<float[]>("Score").ToArray();

        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        var scores = predictor.PredictMany(files.GetColumn<string>("ImagePath")).Select(each => each.Probabilities.ToArray()).ToArray();
        predictor.WriteReport(_folder["report.html"], _folder["images"], new ReportOptions { LayerResponseImages = 0 });
        using var image = ResNetImage.Load(files.GetColumn<string>("ImagePath").First());
        var map = predictor.GradCam(image);

        Assert.All(expected.Zip(scores), pair => Assert.All(
            pair.First.Zip(pair.Second), values => Assert.InRange(values.Second, values.First - 1e-6f, values.First + 1e-6f)));
        Assert.NotEqual(1, predictor.Card!.Temperature);
        Assert.Equal(predictor.Predict(image).Label, map.ClassName);
        var page = Page.Read(_folder["report.html"]);
        Assert.Contains("18 test images", page.QuerySelector(".lede")!.TextContent, StringComparison.Ordinal);
        Assert.Contains("BFloat16", page.QuerySelector("#card")!.TextContent, StringComparison.Ordinal); // of the file's model card
        ((IDisposable)pipeline).Dispose();
    }

    [Fact]
    public void A_pipeline_without_a_network_is_refused()
    {
        var data = TrainingData.Vectors(_ml);
        var pipeline = _ml.Transforms.CopyColumns("Copy", "Bytes").Append(_ml.Transforms.CopyColumns("Other", "Bytes")).Fit(data);

        Assert.Contains(
            "no ResNetClassificationTransformer",
            Assert.Throws<ArgumentException>(() => pipeline.WriteReport(_folder["report.html"], data)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_that_fails_leaves_the_one_before()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes", ["something", "else", "altogether"]);
        File.WriteAllText(_folder["report.html"], "the one before");

        Assert.Throws<ArgumentOutOfRangeException>(() => model.WriteReport(_folder["report.html"], data));

        Assert.Equal("the one before", File.ReadAllText(_folder["report.html"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_path_that_cannot_be_written_fails_before_the_network_is_tested()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var options = new ReportOptions { CancellationToken = new CancellationToken(canceled: true) };       // any test would stop here
        Assert.ThrowsAny<IOException>(() => model.WriteReport(Path.Combine(_folder["missing"], "report.html"), data, options));
    }

    [Fact]
    public void Options_out_of_their_range_are_refused_by_name()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        Assert.Equal("WorstMistakes", Refusal(new ReportOptions { WorstMistakes = -1 }));
        Assert.Equal("WorstMistakes", Refusal(new ReportOptions { WorstMistakes = 1001 }));
        Assert.Equal("ThumbnailSize", Refusal(new ReportOptions { ThumbnailSize = 15 }));
        Assert.Equal("ThumbnailSize", Refusal(new ReportOptions { ThumbnailSize = 513 }));
        Assert.Equal("LayerResponseImages", Refusal(new ReportOptions { LayerResponseImages = -1 }));
        Assert.Equal("ComparedRuns", Refusal(new ReportOptions { ComparedRuns = [("empty", new TrainingHistory())] }));
        Assert.Equal("TestTimeViews", Refusal(new ReportOptions { TestTimeViews = null! }));

        string? Refusal(ReportOptions options) =>
            Assert.ThrowsAny<ArgumentException>(() => model.WriteReport(_folder["report.html"], data, options)).ParamName;
    }
}
