using System.Collections.Concurrent;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Weights;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Scoring;

/// <summary>A predictor gives what the saved model gives in ML.NET, and is a good neighbour to other threads.</summary>
public sealed class ResNetPredictorTests : IDisposable
{
    private static readonly ImagePreprocessing Plain = new(TestClassifier.Shape, [100, 110, 120], [50, 60, 70]);
    private static readonly ImagePreprocessing Grey = new(new ImageShape(1, 8, 8), [100], [50]);

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _pictures = new();
    private readonly string[] _files;
    private readonly IDataView _rows;

    public ResNetPredictorTests()
    {
        Pictures.Write(_pictures.Path, perClass: 9, height: 20, width: 30);
        File.WriteAllBytes(_pictures["with alpha.png"], ImageFiles.Png(25, 17, 8, 6));
        File.WriteAllBytes(_pictures["grey.png"], ImageFiles.Png(17, 25, 8, 0));
        Convert(SKEncodedImageFormat.Jpeg, 33, 21, _pictures["photograph.jpg"]);
        Convert(SKEncodedImageFormat.Png, 8, 8, _pictures["of the network's size.png"]);
        _files = [.. Directory.EnumerateFiles(_pictures.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        _rows = _ml.Data.LoadFromEnumerable(_files.Select(file => new ImageFolderRow { ImagePath = file, Label = "" }));
    }

    public static TheoryData<string> Preprocessings => [.. Forms.Keys];

    private static Dictionary<string, ImagePreprocessing> Forms => new()
    {
        ["plain"] = Plain,
        ["border"] = Plain with { CropBorder = 3 },
        ["supersampling"] = Plain with { Supersampling = 2 },
        ["both"] = Plain with { CropBorder = 2, Supersampling = 3 },
        ["mean image"] = Plain with { Mean = [.. Enumerable.Range(0, Plain.Input.Size).Select(i => 90f + i % 40)] },
        ["grey"] = Grey,
        ["grey, both"] = Grey with { CropBorder = 2, Supersampling = 2 },
        ["wide"] = new ImagePreprocessing(new ImageShape(3, 8, 16), [100, 110, 120], [50, 60, 70]),
    };

    public void Dispose()
    {
        _folder.Dispose();
        _pictures.Dispose();
    }

    [Theory]
    [MemberData(nameof(Preprocessings))]
    public void TheScoresAreThoseOfTheSavedModel(string form)
    {
        Save(Weights(Forms[form]), Forms[form]);

        CheckSame(SavedScores("model.zip"));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("both")]
    [InlineData("grey")]
    public void SoAreThoseOfAQuantizedNetwork(string form)
    {
        Save(Weights(Forms[form]), Forms[form], quantize: true);

        CheckSame(SavedScores("model.zip"));
    }

    // A temperature divides the head's weights and biases.
    [Theory]
    [InlineData(0.3f)]
    [InlineData(30f)]
    public void SoAreThoseOfAHeadWithATemperature(float temperature)
    {
        var weights = Weights(Plain);
        Save(
            new ResNetWeights(weights.Tensors.Select(tensor => tensor.Name.StartsWith("fc.", StringComparison.Ordinal)
                ? new WeightTensor(tensor.Name, tensor.Shape, tensor.Values.ToArray().Select(value => value / temperature).ToArray())
                : tensor)),
            Plain);

        CheckSame(SavedScores("model.zip"));
    }

    [Fact]
    public void AModelTrainedOnVectorsOfBytesReadsTheirImages()
    {
        var rows = Pictures.Load(_ml, Pictures.Rows(perClass: 2, height: 8, width: 8, channels: 3));
        using (var classifier = Apply(Weights(Plain), Plain, nameof(PixelRow.Bytes)).Fit(rows))
        {
            _ml.Model.Save(classifier, rows.Schema, _folder["model.zip"]);
        }

        var pixels = new List<float[]>();
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        foreach (var picture in Pictures.Rows(perClass: 2, height: 8, width: 8, channels: 3))
        {
            using var image = Pictures.ToImage(Interleaved(picture.Bytes), 8, 8);
            pixels.Add(predictor.Predict(image).Probabilities.ToArray());
        }

        using var loaded = (TransformerChain<ITransformer>)_ml.Model.Load(_folder["model.zip"], out _);
        CheckSame(loaded.Transform(rows).GetColumn<float[]>("Score"), pixels);
    }

    [Fact]
    public void AModelTrainedOnVectorsOfFloatsIsRefused()
    {
        SaveOfFloats();

        var exception = Assert.Throws<InvalidDataException>(() => ResNetPredictor.Load(_folder["model.zip"]));

        Assert.Contains("vectors of floats", exception.Message);
        Assert.Contains(_folder["model.zip"], exception.Message);
    }

    [Fact]
    public void WhatTrainingKeptIsThere()
    {
        Save(Weights(Plain), Plain);

        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);

        Assert.Equal(Pictures.ClassNames, predictor.ClassNames);
        Assert.Equal(("tiny", 8), (predictor.ArchitectureName, predictor.FeatureCount));
        Assert.Equal(Plain.Input, predictor.Preprocessing.Input);
        Assert.Null(predictor.Card);
    }

    [Fact]
    public void AnImageIsTheSameAsAFileAsAStreamAsBytesAndDecoded()
    {
        Save(Weights(Plain), Plain);
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        var expected = predictor.Predict(_files[0]);
        using var stream = File.OpenRead(_files[0]);
        using var image = ResNetImage.Load(_files[0]);
        ResNetPrediction[] others =
        [
            predictor.Predict(stream),
            predictor.Predict(File.ReadAllBytes(_files[0]).AsMemory()),
            predictor.Predict(image),
        ];

        Assert.Equal(_files[0], expected.Path);
        Assert.All(others, other =>
        {
            Assert.Equal(expected.Probabilities.ToArray(), other.Probabilities.ToArray());
            Assert.Null(other.Path);
        });
        Assert.Equal(20, image.Height); // and is still the caller's
    }

    [Fact]
    public void APredictionNamesTheLikeliestClasses()
    {
        var prediction = new ResNetPrediction(["a", "b", "c", "d"], [0.1f, 0.4f, 0.4f, 0.1f], "x.png");

        Assert.Equal(("b", 0.4f, "x.png"), (prediction.Label, prediction.Probability, prediction.Path));
        Assert.Equal([new("b", 0.4f), new("c", 0.4f), new ClassProbability("a", 0.1f)], prediction.Top(3).ToArray());
        Assert.Equal(["b", "c", "a", "d"], prediction.Top(100).Select(each => each.Label));
        Assert.Equal("b (40.0%)", prediction.ToString().Replace(" %", "%", StringComparison.Ordinal));
        Assert.Throws<ArgumentOutOfRangeException>(() => prediction.Top(0));
    }

    [Fact]
    public void APredictionTellsAnImageOfNoClassAsTheSavedModelDoes()
    {
        Save(Weights(Plain), Plain);
        var likeliest = SavedScores("model.zip").Select(scores => scores.Max()).Order().ToArray();
        var threshold = (likeliest[likeliest.Length / 2 - 1] + likeliest[likeliest.Length / 2]) / 2;
        Save(new ResNetWeights(Weights(Plain).Tensors) { Card = new ModelCard { UnknownThreshold = threshold } }, Plain);
        var expected = _ml.Model.Load(_folder["model.zip"], out _).Transform(_rows).GetColumn<bool>("IsUnknown").ToArray();

        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);

        Assert.Equal(likeliest.Length / 2, expected.Count(each => each));
        Assert.Equal(expected, _files.Select(file => predictor.Predict(file).IsUnknown));
        Assert.Equal(expected, predictor.PredictMany(_files).Select(each => each.IsUnknown));
        using var made = ResNetPredictor.Create(predictor.LoadWeights(), new ResNetPredictorOptions { Architecture = TestClassifier.Tiny });
        Assert.Equal(expected, _files.Select(file => made.Predict(file).IsUnknown));
    }

    [Fact]
    public void TheCardIsReadWhenItIsAskedFor()
    {
        Save(new ResNetWeights(Weights(Plain).Tensors) { Card = new ModelCard { Temperature = 0.5, UnknownThreshold = 0.25f } }, Plain);

        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);

        Assert.Equal(0.5, predictor.Card!.Temperature);
        Assert.Equal(0.25f, predictor.Card.UnknownThreshold);
        Assert.Equal(Pictures.ClassNames, predictor.Card.ClassNames);
    }

    [Fact]
    public void ACardThatIsNoneIsRefused()
    {
        Assert.Equal(0.5f, WeightsMetadata.Keep("""{"unknownThreshold":0.5}""").UnknownThreshold);
        Assert.Null(WeightsMetadata.Keep("{}").UnknownThreshold);
        foreach (var text in (string[])["{", "[]", "null", new string(' ', 5_000_000)])
        {
            Assert.Contains("model_card", Assert.Throws<InvalidDataException>(() => WeightsMetadata.Keep(text)).Message);
        }

        var unread = WeightsMetadata.Keep("""{"unknownThreshold":"high"}""");
        Assert.Null(unread.UnknownThreshold);
        Assert.Contains("model_card", Assert.Throws<InvalidDataException>(unread.Read).Message);
    }

    // What is read while ONNX Runtime makes its session must be an image, or it would save no time.
    [Fact]
    public void TheImageThatIsReadAheadIsOne() => Assert.Null(Record.Exception(ServedNetwork.GetReady));

    [Fact]
    public void WithoutSuchARuleNoImageIsUnknown()
    {
        Save(Weights(Plain), Plain);
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);

        Assert.All(predictor.PredictMany(_files), prediction => Assert.False(prediction.IsUnknown));
    }

    [Fact]
    public void WeightsAndExportedNetworksServeAsWell()
    {
        Save(Weights(Plain), Plain);
        var expected = SavedScores("model.zip").ToArray();
        var named = new ResNetWeights(Weights(Plain).Tensors) { ClassNames = [.. Pictures.ClassNames], Preprocessing = Plain };
        named.Save(_folder["weights.safetensors"]);
        var view = _ml.Transforms.LoadImages("Image", null, nameof(ImageFolderRow.ImagePath)).Fit(_rows).Transform(_rows);
        using (var classifier = _ml.Transforms.ApplyResNet(named, TestClassifier.Tiny).Fit(view))
        {
            classifier.ExportOnnx(_folder["network.onnx"]);
        }

        // The library has no network of this name.
        var tiny = new ResNetPredictorOptions { Architecture = TestClassifier.Tiny };
        foreach (var file in (string[])["weights.safetensors", "network.onnx", "model.zip"])
        {
            using var predictor = ResNetPredictor.Load(_folder[file], tiny);
            CheckSame(expected, _files.Select(path => predictor.Predict(path).Probabilities.ToArray()));
            Assert.Equal(Pictures.ClassNames, predictor.ClassNames);
        }

        using var renamed = ResNetPredictor.Create(named, tiny with { ClassNames = ["x", "y", "z"] });
        Assert.Equal(["x", "y", "z"], renamed.ClassNames.ToArray());
    }

    [Fact]
    public void WeightsThatDoNotSayHowToReadImagesAreRefused()
    {
        Weights(Plain).Save(_folder["weights.safetensors"]);

        var exception = Assert.Throws<ArgumentException>(() =>
            ResNetPredictor.Load(_folder["weights.safetensors"], new ResNetPredictorOptions { Architecture = TestClassifier.Tiny }));

        Assert.Contains("preprocessing", exception.Message);
    }

    [Fact]
    public void ANetworkOfTwoChannelsReadsNoImages()
    {
        var twoChannels = new ImagePreprocessing(new ImageShape(2, 8, 8), [100, 110], [50, 60]);

        var exception = Assert.Throws<ArgumentException>(() => ResNetPredictor.Create(
            Weights(twoChannels), new ResNetPredictorOptions { Architecture = TestClassifier.Tiny, Preprocessing = twoChannels }));

        Assert.Contains("2 channels", exception.Message);
    }

    [Fact]
    public void ANetworkWithoutAHeadGivesFeatures()
    {
        var view = _ml.Transforms.LoadImages("Image", null, nameof(ImageFolderRow.ImagePath)).Fit(_rows).Transform(_rows);
        var expected = new List<float[]>();
        using (var featurizer = _ml.Transforms.ResNetFeaturizeImage(Weights(Plain), TestClassifier.Tiny, preprocessing: Plain).Fit(view))
        {
            _ml.Model.Save(featurizer, view.Schema, _folder["features.zip"]);
            expected.AddRange(featurizer.Transform(view).GetColumn<float[]>("Features"));
        }

        using var predictor = ResNetPredictor.Load(_folder["features.zip"]);

        CheckSame(expected, _files.Select(predictor.Embed));
        CheckSame(expected, predictor.EmbedMany(_files).Select(each => each.Features));
        Assert.Equal(_files, predictor.EmbedMany(_pictures.Path).Select(each => each.Path));
        Assert.Empty(predictor.ClassNames);
        Assert.Contains("Embed", Assert.Throws<InvalidOperationException>(() => predictor.Predict(_files[0])).Message);
        Assert.Throws<InvalidOperationException>(() => predictor.PredictMany(_files));
    }

    [Fact]
    public void ALoadedNetworkIsExportedAndBecomesAStageAgain()
    {
        Save(Weights(Plain), Plain);
        var expected = SavedScores("model.zip").ToArray();
        using var predictor = ResNetPredictor.Load(_folder["model.zip"], new ResNetPredictorOptions { Architecture = TestClassifier.Tiny });
        var view = _ml.Transforms.LoadImages("Picture", null, nameof(ImageFolderRow.ImagePath)).Fit(_rows).Transform(_rows);

        using var transformer = predictor.ToTransformer(_ml, "Picture");
        predictor.ExportOnnx(_folder["network.onnx"]);

        CheckSame(expected, transformer.Transform(view).GetColumn<float[]>("Score"));
        Assert.Equal(Pictures.ClassNames, transformer.ClassNames);
        var exported = ResNetWeights.Load(_folder["network.onnx"]);
        Assert.Equal(Weights(Plain)["fc.weight"].Values.ToArray(), exported["fc.weight"].Values.ToArray());
        Assert.Equal(Pictures.ClassNames, exported.ClassNames);
        Assert.Equal(Weights(Plain).Tensors.Length, predictor.LoadWeights().Tensors.Length);
    }

    [Fact]
    public void WhatCannotBecomeAStageSaysWhy()
    {
        Save(Weights(Plain), Plain);
        using var file = new MemoryStream(File.ReadAllBytes(_folder["model.zip"]));
        using var streamed = ResNetPredictor.Load(file, new ResNetPredictorOptions());
        Assert.NotEmpty(streamed.Predict(_files[0]).Label);
        Assert.Contains("stream", Assert.Throws<InvalidOperationException>(() => streamed.LoadWeights()).Message);

        Save(Weights(Plain), Plain, quantize: true);
        using var quantized = ResNetPredictor.Load(_folder["model.zip"]);
        Assert.Contains("quantized", Assert.Throws<InvalidDataException>(() => quantized.ToTransformer(_ml)).Message);
    }

    [Fact]
    public void ManyImagesKeepTheirOrderAndTheirScores()
    {
        Save(Weights(Plain), Plain);
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        string[] many = [.. Enumerable.Range(0, 400).Select(i => _files[i * 7 % _files.Length])];

        var predictions = predictor.PredictMany(many).ToArray();

        Assert.Equal(many, predictions.Select(each => each.Path));
        var single = _files.ToDictionary(file => file, file => predictor.Predict(file).Probabilities.ToArray());
        CheckSame(many.Select(file => single[file]), predictions.Select(each => each.Probabilities.ToArray()));
        Assert.Equal(_files, predictor.PredictMany(_pictures.Path).Select(each => each.Path));
        Assert.Empty(predictor.PredictMany([]));
    }

    [Fact]
    public void PathsAreAskedForAsResultsAre()
    {
        Save(Weights(Plain), Plain);
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        var asked = 0;

        var first = predictor.PredictMany(Endless()).Take(1000).ToArray();

        Assert.Equal(1000, first.Length);
        Assert.InRange(asked, 1000, 10_000);

        IEnumerable<string> Endless()
        {
            while (true)
            {
                yield return _files[asked++ % _files.Length];
            }
        }
    }

    [Fact]
    public void ABadImageIsNamedOrSkipped()
    {
        Save(Weights(Plain), Plain);
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        File.WriteAllText(_folder["no image.png"], "text");
        string[] files = [_files[0], _folder["no image.png"], _files[1], _folder["missing.png"], _files[2]];
        var skipped = new List<(string Path, string Reason)>();

        var predictions = predictor.PredictMany(files, (path, exception) => skipped.Add((path, exception.Message))).ToArray();

        Assert.Equal([_files[0], _files[1], _files[2]], predictions.Select(each => each.Path));
        Assert.Equal([files[1], files[3]], skipped.Select(each => each.Path));
        Assert.All(skipped, each => Assert.Contains(each.Path, each.Reason));
        CheckSame(
            new[] { _files[0], _files[1], _files[2] }.Select(file => predictor.Predict(file).Probabilities.ToArray()),
            predictions.Select(each => each.Probabilities.ToArray()));
        Assert.Contains("no image.png", Assert.Throws<InvalidDataException>(() => predictor.PredictMany(files).ToArray()).Message);
        Assert.Contains("missing.png", Assert.Throws<IOException>(() => predictor.PredictMany(files[3..]).ToArray()).Message);
        Assert.Throws<InvalidDataException>(() => predictor.Predict(files[1]));
        Assert.Empty(predictor.PredictMany([files[1]], (_, _) => { }));
    }

    [Fact]
    public void ManyImagesAreStoppedByAToken()
    {
        Save(Weights(Plain), Plain);
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        using var stop = new CancellationTokenSource();
        var seen = 0;

        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var _ in predictor.PredictMany(Enumerable.Repeat(_files[0], 100_000), cancellationToken: stop.Token))
            {
                if (++seen == 200)
                {
                    stop.Cancel();
                }
            }
        });

        Assert.InRange(seen, 200, 5_000);
    }

    [Fact]
    public void AnyNumberOfThreadsMayCallAndDisposeWaitsForThem()
    {
        Save(Weights(Plain), Plain);
        var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        var expected = _files.ToDictionary(file => file, file => predictor.Predict(file).Probabilities.ToArray());
        var (answers, refusals) = (new ConcurrentBag<(string File, float[] Scores)>(), 0);
        var threads = Enumerable.Range(0, 8).Select(thread => new Thread(() =>
        {
            try
            {
                for (var i = thread; ; i++)
                {
                    var file = _files[i % _files.Length];
                    answers.Add((file, predictor.Predict(file).Probabilities.ToArray()));
                }
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref refusals);
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        SpinWait.SpinUntil(() => answers.Count > 100, TimeSpan.FromSeconds(30));

        predictor.Dispose();
        predictor.Dispose();

        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(8, refusals);
        Assert.All(answers, answer => Assert.Equal(expected[answer.File], answer.Scores));
    }

    [Fact]
    public void ItsTemporaryFilesAreGone()
    {
        var before = TemporaryFolders();
        Save(Weights(Plain), Plain);
        using (var predictor = ResNetPredictor.Load(_folder["model.zip"]))
        {
            Assert.NotEmpty(predictor.Predict(_files[0]).Label);
        }

        SaveOfFloats();
        Assert.Throws<InvalidDataException>(() => ResNetPredictor.Load(_folder["model.zip"])); // after its weights were read
        using (var predictor = ResNetPredictor.Create(Weights(Plain), new ResNetPredictorOptions
        {
            Architecture = TestClassifier.Tiny, Preprocessing = Plain,
        }))
        {
            Assert.NotEmpty(predictor.Predict(_files[0]).Label);
        }

        Assert.Empty(TemporaryFolders().Except(before));

        static string[] TemporaryFolders() => [.. Directory.EnumerateFiles(Path.GetTempPath(), "network.onnx", new EnumerationOptions
        {
            RecurseSubdirectories = true, MaxRecursionDepth = 1, IgnoreInaccessible = true,
        })];
    }

    [Fact]
    public void OtherFilesAreRefusedByName()
    {
        File.WriteAllText(_folder["text"], "no model");
        File.WriteAllBytes(_folder["empty"], []);

        Assert.Contains(_folder["text"], Assert.Throws<InvalidDataException>(() => ResNetPredictor.Load(_folder["text"])).Message);
        Assert.ThrowsAny<Exception>(() => ResNetPredictor.Load(_folder["empty"]));
        Assert.Throws<FileNotFoundException>(() => ResNetPredictor.Load(_folder["nothing"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ResNetPredictor.Load(_folder["text"], new ResNetPredictorOptions { Threads = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            ResNetPredictor.Load(_folder["text"], new ResNetPredictorOptions { MaxImagePixels = 0 }));
    }

    // Whatever is in the file, reading its graph ends, in an answer or in InvalidDataException.
    [Fact]
    public void ADamagedGraphIsRefusedOrRead()
    {
        var plan = LayerPlan.Create(TestClassifier.Tiny, TestClassifier.Shape, 3);
        var network = new ResNetModel(plan, ResNetWeights.Initialize(plan, seed: 3), Plain);
        using var written = new MemoryStream();
        OnnxGraphWriter.Featurizer(network, OnnxElementType.UInt8, "pixels", "features", NetworkMetadata.Of(network, ["a", "b", "c"]))
            .WriteTo(written);
        var (file, random, refused) = (written.ToArray(), new Random(1), 0);
        for (var i = 0; i < 3000; i++)
        {
            var damaged = file.ToArray();
            for (var change = random.Next(1, 5); change > 0; change--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            var length = i % 3 == 0 ? random.Next(damaged.Length) : damaged.Length;
            try
            {
                var builder = new WeightsBuilder(new MemoryAllowance(length, MemoryAllowance.Default));
                using var weights = new LargeMemory(ServedGraph.RoomFor(length));
                ServedGraph.Read(new MemoryStream(damaged, 0, length), length, weights, "weights", builder);
            }
            catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1000, 2999);
    }

    private static ResNetWeights Weights(ImagePreprocessing preprocessing) =>
        ResNetWeights.Initialize(LayerPlan.Create(TestClassifier.Tiny, preprocessing.Input, 3), seed: 3);

    private static void CheckSame(IEnumerable<float[]> expected, IEnumerable<float[]> actual)
    {
        var (left, right) = (expected.ToArray(), actual.ToArray());
        Assert.Equal(left.Length, right.Length);
        Assert.All(left.Zip(right), pair => Assert.Equal(pair.First, pair.Second)); // to the bit
        Assert.True(left.Length == 1 || left.Any(scores => Math.Abs(scores[0] - left[0][0]) > 1e-4f), "All images look alike.");
    }

    private static byte[] Interleaved(byte[] planar)
    {
        var plane = planar.Length / 3;
        return [.. Enumerable.Range(0, planar.Length).Select(i => planar[i % 3 * plane + i / 3])];
    }

    private void Convert(SKEncodedImageFormat format, int width, int height, string path)
    {
        using var picture = SKBitmap.Decode(Directory.EnumerateFiles(_pictures.Path, "*.png", SearchOption.AllDirectories).First());
        using var resized = picture.Resize(new SKImageInfo(width, height), SKFilterQuality.High);
        using var data = resized.Encode(format, 90);
        File.WriteAllBytes(path, data.ToArray());
    }

    private ResNetScoringEstimator Apply(ResNetWeights weights, ImagePreprocessing preprocessing, string column) =>
        _ml.Transforms.ApplyResNet(weights, TestClassifier.Tiny, Pictures.ClassNames, column, preprocessing);

    private void Save(ResNetWeights weights, ImagePreprocessing preprocessing, bool quantize = false)
    {
        var load = _ml.Transforms.LoadImages("Image", null, nameof(ImageFolderRow.ImagePath)).Fit(_rows);
        var images = load.Transform(_rows);
        using var classifier = Apply(weights, preprocessing, "Image").Fit(images);
        using var quantized = quantize ? classifier.Quantize(images) : null;
        _ml.Model.Save(load.Append<ITransformer>(quantized ?? classifier), _rows.Schema, _folder["model.zip"]);
    }

    private IEnumerable<float[]> SavedScores(string model)
    {
        var loaded = _ml.Model.Load(_folder[model], out _);
        try
        {
            return [.. loaded.Transform(_rows).GetColumn<float[]>("Score")];
        }
        finally
        {
            (loaded as IDisposable)?.Dispose();
        }
    }

    private void CheckSame(IEnumerable<float[]> expected)
    {
        using var predictor = ResNetPredictor.Load(_folder["model.zip"]);
        CheckSame(expected, _files.Select(file => predictor.Predict(file).Probabilities.ToArray()));
    }

    private void SaveOfFloats()
    {
        var rows = Pictures.Load(_ml, Pictures.Rows(perClass: 1, height: 8, width: 8, channels: 3));
        using var classifier = Apply(Weights(Plain), Plain, nameof(PixelRow.Floats)).Fit(rows);
        _ml.Model.Save(classifier, rows.Schema, _folder["model.zip"]);
    }
}
