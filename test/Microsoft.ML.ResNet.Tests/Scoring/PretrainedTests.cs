using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.Transforms.Onnx;

namespace Microsoft.ML.ResNet.Tests.Scoring;

/// <summary>A classifier without training, and features for other trainers.</summary>
public sealed class PretrainedTests : IDisposable
{
    private static readonly ImagePreprocessing Preprocessing = new(TestClassifier.Shape, [100, 110, 120], [50, 60, 70]);
    private static readonly ResNetWeights Weights = ResNetWeights.Initialize(
        LayerPlan.Create(TestClassifier.Tiny, TestClassifier.Shape, 3), seed: 3);

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _images;
    private readonly IDataView _vectors;

    public PretrainedTests()
    {
        Pictures.Write(_folder.Path, perClass: 3, height: 20, width: 30);
        var files = _ml.Data.LoadImageFolder(_folder.Path);
        _images = _ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);
        _vectors = Pictures.Load(_ml, Pictures.Rows(perClass: 3, height: 8, width: 8, channels: 3));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ApplyResNetConforms()
    {
        Conformance.CheckEstimator(
            _ml, _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, ["a", "b", "c"], "Image", Preprocessing), _images, _vectors);
        Conformance.CheckEstimator(
            _ml, _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Floats", Preprocessing), _vectors, _images);
    }

    [Fact]
    public void ResNetFeaturizeImageConforms()
    {
        Conformance.CheckEstimator(
            _ml,
            _ml.Transforms.ResNetFeaturizeImage(
                Weights, TestClassifier.Tiny, preprocessing: Preprocessing with { CropBorder = 2, Supersampling = 2 }),
            _images,
            _vectors);
        Conformance.CheckEstimator(
            _ml, _ml.Transforms.ResNetFeaturizeImage(Weights, TestClassifier.Tiny, "Bytes", Preprocessing), _vectors, _images);
    }

    [Fact]
    public void FeaturesAreAKnownSizeVectorForAnyTrainer()
    {
        var labeled = _ml.Transforms.Conversion.MapValueToKey("Label", "Name").Fit(_vectors).Transform(_vectors);
        var pipeline = _ml.Transforms.ResNetFeaturizeImage(Weights, TestClassifier.Tiny, "Bytes", Preprocessing)
            .AppendCacheCheckpoint(_ml) // or every one of its iterations, which are many on few rows, scores the images again
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy());

        var model = pipeline.Fit(labeled);

        Assert.Equal(8, ((VectorDataViewType)model.GetOutputSchema(labeled.Schema)["Features"].Type).Size);
        Assert.True(_ml.MulticlassClassification.Evaluate(model.Transform(labeled)).MicroAccuracy > 0.5);
    }

    [Fact]
    public void VectorsHaveNoBorderToCutOffAndNothingToAverage()
    {
        var bordered = Preprocessing with { CropBorder = 2, Supersampling = 2 };
        using var plain = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes", Preprocessing).Fit(_vectors);
        using var classifier = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes", bordered).Fit(_vectors);
        using var featurizer = _ml.Transforms.ResNetFeaturizeImage(Weights, TestClassifier.Tiny, "Floats", bordered).Fit(_vectors);

        Assert.Equal(plain.Transform(_vectors).GetColumn<float[]>("Score"), classifier.Transform(_vectors).GetColumn<float[]>("Score"));
        Assert.All(featurizer.Transform(_vectors).GetColumn<float[]>("Features"), features => Assert.Equal(8, features.Length));
    }

    [Fact]
    public void OnnxRuntimesOptionsAreThoseThatTheContextHasAtFit()
    {
        var created = 0;
        var classify = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes", Preprocessing);
        var featurize = _ml.Transforms.ResNetFeaturizeImage(Weights, TestClassifier.Tiny, "Bytes", Preprocessing);
        _ml.SetOnnxSessionOption(new OnnxSessionOptions { CreateSessionOptions = Create });

        using var classifier = classify.Fit(_vectors);
        using var featurizer = featurize.Fit(_vectors);
        Assert.Equal(2, created);

        Assert.NotEmpty(classifier.Transform(_vectors).GetColumn<float[]>("Score")); // in batches, in a session of its own
        Assert.Equal(3, created);

        SessionOptions Create()
        {
            created++;
            return new SessionOptions { IntraOpNumThreads = 1 };
        }
    }

    [Fact]
    public void AModelSavedWithoutCompressionIsTheSame()
    {
        var (packed, plain) = (Path.Combine(_folder.Path, "packed.zip"), Path.Combine(_folder.Path, "plain.zip"));
        using var classifier = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, ["a", "b", "c"], "Bytes", Preprocessing)
            .Fit(_vectors);
        _ml.Model.Save(classifier, _vectors.Schema, packed);
        File.WriteAllText(plain, "replaced");

        _ml.Model.SaveUncompressed(classifier, _vectors.Schema, plain);

        using (ZipArchive expected = ZipFile.OpenRead(packed), actual = ZipFile.OpenRead(plain))
        {
            Assert.Equal(
                expected.Entries.Select(entry => (entry.FullName, entry.Crc32)),
                actual.Entries.Select(entry => (entry.FullName, entry.Crc32)));
            Assert.All(actual.Entries, entry => Assert.Equal(entry.Length, entry.CompressedLength));
        }

        var loaded = _ml.Model.Load(plain, out var schema);
        Assert.Equal(_vectors.Schema.Count, schema.Count);
        Assert.Equal(classifier.Transform(_vectors).GetColumn<float[]>("Score"), loaded.Transform(_vectors).GetColumn<float[]>("Score"));
        Assert.Equal(Weights["fc.weight"].Values.ToArray(), ResNetWeights.Load(plain)["fc.weight"].Values.ToArray());
        (loaded as IDisposable)?.Dispose();
    }

    [Fact]
    public void AMeanImageIsSubtractedPixelByPixel()
    {
        // One that is the same everywhere is one value per channel; one that is not gives other scores.
        float[] flat =
        [
            .. Preprocessing.Mean.SelectMany(mean => Enumerable.Repeat(mean, TestClassifier.Shape.Height * TestClassifier.Shape.Width)),
        ];
        float[] sloping = [.. flat.Select((mean, i) => mean + i % 8)];
        using var perChannel = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes", Preprocessing).Fit(_vectors);
        using var same = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes", Preprocessing with { Mean = [.. flat] })
            .Fit(_vectors);
        using var other = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes",
            Preprocessing with { Mean = [.. sloping] }).Fit(_vectors);

        Assert.Equal(perChannel.Transform(_vectors).GetColumn<float[]>("Score"), same.Transform(_vectors).GetColumn<float[]>("Score"));
        Assert.NotEqual(
            perChannel.Transform(_vectors).GetColumn<float[]>("Score").First(),
            other.Transform(_vectors).GetColumn<float[]>("Score").First());
        Assert.Contains("a mean for each of 3 channels or of 192 pixels", Assert.Throws<ArgumentException>(
            () => _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes", Preprocessing with { Mean = [1, 2] })).Message);
    }

    [Fact]
    public void FeaturesNeedNoHead()
    {
        var headless = new ResNetWeights(Weights.Tensors
            .Where(tensor => !tensor.Name.StartsWith("fc.", StringComparison.Ordinal))) { Preprocessing = Preprocessing };

        using var featurizer = _ml.Transforms.ResNetFeaturizeImage(headless, TestClassifier.Tiny, "Bytes").Fit(_vectors);

        Assert.Contains(
            "have no head", Assert.Throws<ArgumentException>(() => _ml.Transforms.ApplyResNet(headless, TestClassifier.Tiny)).Message);
        Assert.All(featurizer.Transform(_vectors).GetColumn<float[]>("Features"), features => Assert.Equal(8, features.Length));
    }

    [Fact]
    public void TheArchitectureIsThatOfTheWeights()
    {
        var preprocessing = Preprocessing with { Input = new ImageShape(3, 8, 8) };
        var plan = LayerPlan.Create(ResNetArchitecture.Plain20, preprocessing.Input, 3);
        var weights = new ResNetWeights(ResNetWeights.Initialize(plan, seed: 3).Tensors)
        {
            ArchitectureName = "plain20", // the tensors are those of ResNet-20 too
            Preprocessing = preprocessing,
        };

        using var classifier = _ml.Transforms.ApplyResNet(weights, imageColumnName: "Bytes").Fit(_vectors);
        using var featurizer = _ml.Transforms.ResNetFeaturizeImage(weights, imageColumnName: "Bytes").Fit(_vectors);
        using var other = _ml.Transforms.ApplyResNet(weights, ResNetArchitecture.ResNet20, imageColumnName: "Bytes").Fit(_vectors);

        Assert.Same(ResNetArchitecture.Plain20, classifier.Architecture);
        Assert.Same(ResNetArchitecture.Plain20, featurizer.Plan.Architecture);
        Assert.Same(ResNetArchitecture.ResNet20, other.Architecture);
    }

    /// <summary>They are the names that the model is saved with, and those of a quantized one.</summary>
    [Fact]
    public void OutputColumnsHaveTheNamesAskedFor()
    {
        var estimator = _ml.Transforms.ApplyResNet(
            Weights, TestClassifier.Tiny, ["a", "b", "c"], "Bytes", Preprocessing, scoreColumnName: "Shares",
            predictedLabelColumnName: "Class");
        Conformance.CheckEstimator(_ml, estimator, _vectors, _images);
        using var usual = _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, null, "Bytes", Preprocessing).Fit(_vectors);
        using var classifier = estimator.Fit(_vectors);
        using var quantized = classifier.Quantize(_vectors);
        _ml.Model.Save(classifier, _vectors.Schema, _folder["named.zip"]);
        var loaded = _ml.Model.Load(_folder["named.zip"], out _);

        var expected = usual.Transform(_vectors).GetColumn<float[]>("Score");
        foreach (var model in (ITransformer[])[classifier, quantized, loaded])
        {
            var scored = model.Transform(_vectors);
            Assert.Null(scored.Schema.GetColumnOrNull("Score"));
            Assert.Null(scored.Schema.GetColumnOrNull("PredictedLabel"));
            Assert.Equal(model != quantized, expected.SequenceEqual(scored.GetColumn<float[]>("Shares"), new SameFloats()));
            Assert.All(scored.GetColumn<uint>("Class"), key => Assert.InRange(key, 1u, 3u));
        }

        // A second network beside the first: each leaves the columns of the other.
        using var second = estimator.Fit(usual.Transform(_vectors));
        var both = second.Transform(usual.Transform(_vectors));
        Assert.Equal(expected, both.GetColumn<float[]>("Score"));
        Assert.Equal(expected, both.GetColumn<float[]>("Shares"));
        Assert.Equal(usual.Transform(_vectors).Schema.Count + 2, both.Schema.Count(column => !column.IsHidden));

        (loaded as IDisposable)?.Dispose();
        Assert.All(
            (string[])[" ", "PredictedLabel", "Class"],
            name => Assert.Equal("scoreColumnName", Assert.Throws<ArgumentException>(() =>
                _ml.Transforms.ApplyResNet(Weights, scoreColumnName: name, predictedLabelColumnName: "Class")).ParamName));
    }

    [Fact]
    public void SaysWhatIsMissing()
    {
        var anonymous = new ResNetWeights(Weights.Tensors) { Preprocessing = Preprocessing };
        var unknown = new ResNetWeights(Weights.Tensors) { Preprocessing = Preprocessing, ArchitectureName = "tiny" };
        Assert.Contains("Give the architecture", Assert.Throws<ArgumentException>(() => _ml.Transforms.ApplyResNet(anonymous)).Message);
        Assert.Contains("network 'tiny'", Assert.Throws<ArgumentException>(() => _ml.Transforms.ResNetFeaturizeImage(unknown)).Message);
        Assert.Contains(
            "ImagePreprocessing.ImageNetV1",
            Assert.Throws<ArgumentException>(() => _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny)).Message);
        Assert.Contains("3 classes, but 2 class names", Assert.Throws<ArgumentException>(
            () => _ml.Transforms.ApplyResNet(Weights, TestClassifier.Tiny, ["a", "b"], preprocessing: Preprocessing)).Message);
        Assert.Contains("not those of resnet20", Assert.Throws<ArgumentException>(
            () => _ml.Transforms.ApplyResNet(Weights, ResNetArchitecture.ResNet20, preprocessing: Preprocessing)).Message);
    }

    [Fact]
    public void ImageNetPresetsCropWhatTorchvisionCrops()
    {
        Assert.Equal((256, 256), ImagePreprocessing.ImageNetV1.ResizeTo);
        Assert.Equal((232, 232), ImagePreprocessing.ImageNetV2.ResizeTo);
        Assert.Equal((32, 32), ImagePreprocessing.Cifar10.ResizeTo);
        Assert.Equal(123.675f, ImagePreprocessing.Cifar10.Mean[0], tolerance: 1e-3f);
    }

    private sealed class SameFloats : IEqualityComparer<float[]>
    {
        public bool Equals(float[]? x, float[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(float[] values) => values.Length;
    }
}
