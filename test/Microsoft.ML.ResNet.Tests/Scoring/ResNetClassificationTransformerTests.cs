using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Scoring;

public sealed class ResNetClassificationTransformerTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _images;
    private readonly IDataView _vectors;

    public ResNetClassificationTransformerTests()
    {
        Pictures.Write(_folder.Path, perClass: 3, height: 8, width: 8);
        Pictures.Write(_folder.Path, perClass: 2, height: 40, width: 30, seed: 9); // the first ones are larger: both ways of resizing
        var files = _ml.Data.LoadImageFolder(_folder.Path);
        _images = _ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Fit(files)
            .Transform(files);
        var rows = Pictures.Load(_ml, Pictures.Rows(perClass: 3, height: 8, width: 8, channels: 3));
        _vectors = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(rows).Transform(rows);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ConformsOnImages()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image");
        Conformance.CheckTransformer(_ml, classifier, _images);
    }

    [Fact]
    public void ConformsOnGrayscaleAndSupersampledImages()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image", new ImageShape(1, 8, 8), supersampling: 2);
        Conformance.CheckTransformer(_ml, classifier, _images);
    }

    [Theory]
    [InlineData(nameof(PixelRow.Bytes))]
    [InlineData(nameof(PixelRow.Floats))]
    public void ConformsOnVectors(string column)
    {
        using var classifier = TestClassifier.Create(_ml, _vectors, column);
        Conformance.CheckTransformer(_ml, classifier, _vectors);
    }

    [Fact]
    public void AddsScoreAndPredictedLabelAndNothingElse()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image");

        var added = classifier.GetOutputSchema(_images.Schema).Where(column => !column.IsHidden).Select(column => column.Name).Except(
            _images.Schema.Select(column => column.Name));

        Assert.Equal(["PredictedLabel", "Score"], added.Order());
    }

    [Fact]
    public void ScoresAreProbabilitiesAndThePredictionIsTheLargest()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image");
        var scored = classifier.Transform(_images);

        foreach (var (score, predicted) in scored.GetColumn<float[]>("Score").Zip(scored.GetColumn<uint>("PredictedLabel")))
        {
            Assert.Equal(1, score.Sum(), tolerance: 1e-5);
            Assert.All(score, value => Assert.InRange(value, 0, 1));
            Assert.Equal((uint)Array.IndexOf(score, score.Max()) + 1, predicted);
        }
    }

    // Both read through ML.NET's LoadImages, which would end the process, or decode 900 million pixels.
    [Fact]
    public void AHostileFileIsAnErrorThatNamesItAndATruncatedOneIsScoredAsASavedModelDoes()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image");
        var truncated = File.ReadAllBytes(Directory.GetFiles(_folder["lying"])[0])[..^40];
        (string Name, byte[] Content)[] files =
        [
            ("fatal.png", ImageFiles.FatalBmp), ("huge.png", ImageFiles.HugePng(30_000, 30_000)), ("cut.png", truncated),
        ];
        foreach (var (name, content) in files)
        {
            File.WriteAllBytes(_folder[name], content);
        }

        IDataView Load(string name) =>
            _ml.Transforms.LoadImages("Image", null, "ImagePath").Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
                .Fit(_ml.Data.LoadImageFolder(_folder.Path))
                .Transform(_ml.Data.LoadFromEnumerable([new ImageFolderRow { ImagePath = _folder[name], Label = "lying" }]));

        Assert.All(files[..2], file =>
        {
            Assert.Contains(file.Name, Refusal(() => classifier.Transform(Load(file.Name)).GetColumn<float[]>("Score").Count()));
            Assert.Contains(file.Name, Refusal(() => classifier.Quantize(Load(file.Name))));
        });

        // Where rows are read in parallel, ML.NET wraps what is thrown there.
        static string Refusal(Func<object> score)
        {
            var exception = Assert.ThrowsAny<Exception>(score);
            return Assert.IsType<InvalidDataException>(exception as InvalidDataException ?? exception.InnerException).Message;
        }

        _ml.Model.Save(classifier, _images.Schema, _folder["model.zip"]);
        using var saved = (TransformerChain<ITransformer>)_ml.Model.Load(_folder["model.zip"], out _);
        Assert.Equal(
            saved.Transform(Load("cut.png")).GetColumn<float[]>("Score").Single(),
            classifier.Transform(Load("cut.png")).GetColumn<float[]>("Score").Single());
    }

    [Fact]
    public void PredictedLabelHasTheLabelsOwnValues()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image");
        var schema = classifier.GetOutputSchema(_images.Schema);

        var names = default(VBuffer<ReadOnlyMemory<char>>);
        schema["PredictedLabel"].GetKeyValues(ref names);
        Assert.Equal(Pictures.ClassNames.Order(), names.DenseValues().Select(name => name.ToString()));
        schema["Score"].GetSlotNames(ref names);
        Assert.Equal(Pictures.ClassNames.Order(), names.DenseValues().Select(name => name.ToString()));
        Assert.Equal(Pictures.ClassNames.Order(), classifier.ClassNames);
    }

    [Fact]
    public void APredictionEngineScoresAsTransformDoesWithoutALabel()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image");
        var expected = classifier.Transform(_images).GetColumn<float[]>("Score").ToArray();
        var pipeline = _ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(_ml.Data.LoadImageFolder(_folder.Path)).Append(classifier);
        using var engine = _ml.Model.CreatePredictionEngine<ImageFolderRow, Scored>(pipeline);

        var paths = _images.GetColumn<string>("ImagePath").ToArray();

        for (var i = 0; i < paths.Length; i++)
        {
            Assert.Equal(expected[i], engine.Predict(new ImageFolderRow { ImagePath = paths[i] }).Score);
        }
    }

    [Fact]
    public void ConcurrentPredictionEnginesAgree()
    {
        using var classifier = TestClassifier.Create(_ml, _images, "Image");
        var expected = classifier.Transform(_images).GetColumn<float[]>("Score").ToArray();
        var paths = _images.GetColumn<string>("ImagePath").ToArray();
        var pipeline = _ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(_ml.Data.LoadImageFolder(_folder.Path)).Append(classifier);

        Parallel.For(0, 8, _ =>
        {
            using var engine = _ml.Model.CreatePredictionEngine<ImageFolderRow, Scored>(
                pipeline, new PredictionEngineOptions { OwnsTransformer = false });
            for (var i = 0; i < paths.Length; i++)
            {
                Assert.Equal(expected[i], engine.Predict(new ImageFolderRow { ImagePath = paths[i] }).Score);
            }
        });
    }

    [Fact]
    public void TheExportedNetworkGivesTheSameProbabilities()
    {
        using var classifier = TestClassifier.Create(_ml, _vectors, nameof(PixelRow.Bytes));
        classifier.ExportOnnx(_folder["network.onnx"]);
        using var session = new InferenceSession(_folder["network.onnx"]);
        var rows = _vectors.GetColumn<byte[]>(nameof(PixelRow.Bytes)).ToArray();
        var expected = classifier.Transform(_vectors).GetColumn<float[]>("Score").SelectMany(score => score).ToArray();

        var pixels = new DenseTensor<byte>(rows.SelectMany(row => row).ToArray(), [rows.Length, 3, 8, 8]);
        using var outputs = session.Run([NamedOnnxValue.CreateFromTensor("pixels", pixels)]);
        var actual = outputs[0].AsEnumerable<float>().ToArray();

        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5));
        Assert.Equal("tiny", session.ModelMetadata.CustomMetadataMap["architecture"]);
        Assert.Equal("""["lying","standing","diagonal"]""", session.ModelMetadata.CustomMetadataMap["class_names"]);
    }

    [Fact]
    public void DisposeDeletesTheTemporaryFileAndMayBeCalledTwice()
    {
        var before = TemporaryFiles();
        var classifier = TestClassifier.Create(_ml, _images, "Image");
        var made = TemporaryFiles().Except(before).ToArray(); // other processes, whose tests run at the same time, make some too

        classifier.Dispose();
        classifier.Dispose();

        Assert.NotEmpty(made.Except(TemporaryFiles()));

        static string[] TemporaryFiles() => Directory.GetFiles(
            Path.GetTempPath(),
            "network.onnx",
            new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1, IgnoreInaccessible = true });
    }

    [Fact]
    public void RefusesAColumnOfAnotherKind()
    {
        using var classifier = TestClassifier.Create(_ml, _vectors, nameof(PixelRow.Bytes));
        var renamed = _ml.Transforms.CopyColumns(nameof(PixelRow.Bytes), nameof(PixelRow.Floats)).Fit(_vectors).Transform(_vectors);

        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Transform(renamed));

        Assert.Contains("holds vectors of floats, but the network was made for vectors of bytes", exception.Message);
    }

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
    }
}
