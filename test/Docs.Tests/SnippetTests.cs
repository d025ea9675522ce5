using System.Formats.Tar;
using System.Globalization;
using System.Text;
using Docs.Snippets;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers;

namespace Docs;

/// <summary>Runs what the pages show, in a folder with small drawn photos; the pages' paths are relative to it.</summary>
public sealed class SnippetTests : IDisposable
{
    private const int TestImages = 3 * 6;

    private readonly TemporaryFolder _folder = new();
    private readonly string _outside = Environment.CurrentDirectory;
    private readonly MLContext _ml = new(seed: 1);

    public SnippetTests()
    {
        Pictures.Write(_folder["photos/train"], perClass: 20, height: 32, width: 32);
        Pictures.Write(_folder["photos/test"], perClass: TestImages / 3, height: 32, width: 32, seed: 2);
        File.Copy(_folder["photos/test/lying/000.png"], _folder["photo.png"]);
        Environment.CurrentDirectory = _folder.Path;
    }

    public void Dispose()
    {
        Environment.CurrentDirectory = _outside;
        _folder.Dispose();
    }

    [Fact]
    public void WhatTheReadmeShowsRuns()
    {
        // Of 20 photographs a class thirty epochs make thirty steps, which are too few on some CPUs.
        Pictures.Write("photos/train", perClass: 60, height: 32, width: 32);

        Readme.Run();

        string[] written = ["model.zip", "report.html", "network.onnx", "network.safetensors"];
        Assert.All(written, file => Assert.True(new FileInfo(file).Length > 10_000));
        Assert.NotEmpty(Directory.GetFiles("checkpoints", "*.safetensors"));
        AssertTheSavedModelIsGood();
    }

    [Fact]
    public async Task GettingStartedLeavesAModelThatOtherProgramsUse()
    {
        GettingStarted.Run();

        Assert.True(new FileInfo("report.html").Length > 10_000);
        LoadingProgram.Run([Path.Combine("photos", "test", "lying", "000.png")]);

        var predictions = await Results.Serve(CancellationToken.None);
        Assert.Equal(TestImages, predictions.Length);
        Assert.All(predictions, prediction => Assert.Contains(prediction.PredictedLabelText, Pictures.ClassNames));
        AssertTheSavedModelIsGood();

        var predicted = Results.Predict(CancellationToken.None);
        Assert.Equal(TestImages, predicted.Length);
        var sameFile = predictions.Zip(Directory.GetFiles("photos/test", "*.png", SearchOption.AllDirectories))
            .ToDictionary(pair => pair.Second, pair => pair.First.PredictedLabelText);
        Assert.All(predicted, each => Assert.Equal(sameFile[each.Path!], each.Label));
        Results.Open(_ml);
        Assert.True(new FileInfo("network.onnx").Length > 10_000);
        var (found, duplicates) = Results.Similar();
        Assert.Equal(5, found.Length);
        Assert.InRange(found[0].Similarity, found[^1].Similarity, 1);
        Assert.InRange(duplicates.Length, 0, TestImages);
    }

    [Fact]
    public void AFolderIsTrainedOnEvaluatedLookedIntoAndConverted()
    {
        var chain = Training.FromAFolder(_ml);
        using var network = chain.GetResNet();
        Assert.Equal(2, network.History.Epochs.Length);
        Assert.Equal(Pictures.ClassNames.Order(), network.ClassNames.Order());

        Assert.Equal(2, Results.Evaluate(_ml, chain).TopKPredictionCount);
        Assert.True(File.Exists("report.html"));

        var images = Images("photos/test");
        var (responses, flipped) = Results.Look(chain, images);
        Assert.Equal(19, responses);
        Assert.InRange(flipped, 0, 1);
        Assert.True(File.Exists("where.png") && File.Exists("curves.svg"));

        var scores = network.Transform(images).GetColumn<float[]>("Score").ToArray();
        AssertEqual(scores, Results.Convert(_ml, network, images).GetColumn<float[]>("Score"));
        AssertEqual(scores, Results.ApplyOnnx(_ml, network, images).GetColumn<float[]>("probabilities"));
        Assert.InRange(Results.Quantize(_ml, network, images), -0.2, 0.2);
        Assert.InRange(Results.Featurize(_ml).MicroAccuracy, 1 / 3.0, 1);

        var (found, rest) = Results.WrongLabels(_ml);
        Assert.Equal(found.ImageCount - found.FromMargin(0.5).Issues.Length, rest.GetColumn<string>("ImagePath").Count());
        Assert.True(File.Exists("labels.html"));
    }

    [Fact]
    public void ValidationDataIsGivenToFit() =>
        Assert.Equal(TestImages, Training.WithValidationData(_ml, Trainer()).History.ValidationImages);

    [Fact]
    public void ValidationDataGoesThroughThePipeline() =>
        Assert.Equal(TestImages, Training.ValidationInAPipeline(_ml).GetResNet().History.ValidationImages);

    [Fact]
    public void UnknownImagesAreToldByTheSavedModel() =>
        Assert.All(Training.UnknownImages(_ml), name => Assert.Contains(name, Pictures.ClassNames.Append("none of these")));

    // The stripes' direction is one label, and every second photo has another beside it.
    [Fact]
    public void SeveralLabelsAreTrainedEvaluatedAndPredicted()
    {
        var photos = Directory.GetFiles("photos/train", "*.png", SearchOption.AllDirectories)
            .Select((path, i) => $"{path},{Path.GetFileName(Path.GetDirectoryName(path))}{(i % 2 == 0 ? ";even" : "")}");
        File.WriteAllLines("photos.csv", photos);

        var found = Training.SeveralLabels(_ml);

        Assert.All(found, each => Assert.Contains(each.Label, Pictures.ClassNames.Append("even")));
        Assert.All(found, each => Assert.InRange(each.Probability, 0.5f, 1));
        var loaded = new MLContext().Model.Load("tags.zip", out var schema);
        Assert.Equal(["ImagePath", "Tags"], schema.Where(column => !column.IsHidden).Select(column => column.Name));
        (loaded as IDisposable)?.Dispose();
    }

    [Fact]
    public void ShardsAreTrainedOnReadInEpochsAndGoneOnIn()
    {
        WriteShard("train", shards: 2);
        WriteShard("test", shards: 1);
        File.WriteAllLines("shards/classes.txt", Pictures.ClassNames);

        var (model, metrics) = Shards.Train(_ml);
        Assert.Equal(3 * 20, model.History.TrainingImages + model.History.ValidationImages);
        Assert.InRange(metrics.MicroAccuracy, 0, 1);
        model.Dispose();
        using var streamed = Shards.Stream(_ml);
        Assert.Equal((model.History.TrainingImages, 2), (streamed.History.TrainingImages, streamed.History.Epochs.Length));

        Assert.Equal(3 * 30, Shards.Epochs(_ml)); // half of 60, three times
        var (first, rest) = (Shards.GoOn(_ml, most: 25), Shards.GoOn(_ml, most: 1_000));
        Assert.Equal((25, 35), (first.Length, rest.Length));
        Assert.Empty(first.Intersect(rest));
        Assert.InRange(Shards.OfAJob(_ml).GetColumn<string>("Label").Count(), 3, 4); // a 16th of 60
        Assert.Equal(147, Shards.OnTheWeb(_ml, "https://example.org").Shards.Count);

        static void WriteShard(string name, int shards)
        {
            Directory.CreateDirectory("shards");
            var files = Directory.GetFiles($"photos/{name}", "*.png", SearchOption.AllDirectories).Index().ToArray();
            foreach (var (shard, chunk) in files.Chunk(files.Length / shards).Index())
            {
                using var tar = new TarWriter(File.Create($"shards/{name}-{shard:d6}.tar"), TarEntryFormat.Ustar);
                foreach (var (number, path) in chunk)
                {
                    Add(tar, $"{number:d4}.png", File.ReadAllBytes(path));
                    Add(tar, $"{number:d4}.cls", Encoding.UTF8.GetBytes(Path.GetFileName(Path.GetDirectoryName(path)!)));
                }
            }
        }

        static void Add(TarWriter tar, string name, byte[] content) =>
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
    }

    [Fact]
    public void ImagesInMemoryAreTrainedOn()
    {
        Training.FromMemory(_ml, Drawn());

        var model = _ml.Model.Load("from-memory.zip", out _);
        using var engine = _ml.Model.CreatePredictionEngine<Picture, Prediction>(model);
        using var image = MLImage.CreateFromFile("photo.png");
        Assert.Equal(3, engine.Predict(new Picture { Image = image }).Score.Length);
    }

    [Fact]
    public void APublishedCheckpointClassifiesAsItIs()
    {
        SaveResNet18();
        string[] names = [.. Enumerable.Range(0, 10).Select(i => $"class {i}")];
        File.WriteAllLines("classes.txt", names);

        var found = Results.Classify(_ml);
        Assert.Equal(TestImages, found.Length);
        Assert.All(found, name => Assert.Contains(name, names));
    }

    [Fact]
    public void AVariantOfANetworkHasLayersOfItsOwn()
    {
        var original = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), classCount: 10);
        Assert.True(Training.Variant().ParameterCount > original.ParameterCount);
    }

    [Theory]
    [InlineData(false, 60)]
    [InlineData(true, 4)]
    public void APretrainedNetworkIsFineTuned(bool all, int epochs)
    {
        using var network = (all ? Training.HeadFirst(_ml) : Training.Pretrained(_ml)).Fit(FewImages());

        Assert.Equal([2, 2, 2, 3], network.Plan.Architecture.Depths.AsEnumerable());
        Assert.Equal(3 * 224 * 224, network.Preprocessing.Mean.Length);
        Assert.Equal(epochs, network.History.Epochs.Length);
    }

    [Fact]
    public void APretrainedNetworkSeesTheMiddleOfAPhotograph()
    {
        using var network = Training.PretrainedMiddle(_ml).Fit(FewImages());

        Assert.Equal(new ImageShape(3, 256, 256), network.Preprocessing.Input);
        Assert.Equal((292, 292), network.Preprocessing.ResizeTo);
    }

    [Fact]
    public void AGraphIsRecognized()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), classCount: 3);
        var weights = ResNetWeights.Initialize(plan, seed: 1);
        using var network = _ml.Transforms.ApplyResNet(weights, plan.Architecture, preprocessing: ImagePreprocessing.Cifar10)
            .Fit(Images("photos/test"));
        network.ExportOnnx("network.onnx", new OnnxExportOptions { FoldBatchNorm = true });

        Assert.NotNull(Training.LoadGraph(_ml, Images("photos/test")).GetColumnOrNull("Features"));
    }

    [Fact]
    public void APublishedCheckpointIsFineTuned()
    {
        SaveResNet18();
        using var network = Training.FineTune(_ml).Fit(FewImages());

        Assert.Equal(3, network.ClassNames.Length);
        Assert.Equal(ImagePreprocessing.ImageNetV1.Mean, network.Preprocessing.Mean);
        Assert.Equal(ImagePreprocessing.ImageNetV1.CropBorder, network.Preprocessing.CropBorder);
    }

    [Fact]
    public void ARecipeIsKeptAsJson() => Assert.Equal(
        TrainingRecipe.Modern with
        {
            Epochs = 60,
            HorizontalFlip = false,
            TrivialAugment = true,
            EarlyStoppingPatience = 10,
            ClassBalance = ClassBalance.Sampling,
        },
        Training.Recipe());

    [Fact]
    public void ALearningRateIsFound() => Assert.True(Training.FindLearningRate(Trainer(), FewImages()).Suggested > 0);

    [Fact]
    public void ASecondStartGoesOnFromTheFirst()
    {
        var first = Training.Checkpoints(_ml, CancellationToken.None).Fit(Images("photos/train"));
        var second = Training.Checkpoints(_ml, CancellationToken.None).Fit(Images("photos/train"));

        Assert.Equal(first.History.Epochs[0].Duration, second.History.Epochs[0].Duration); // it was not trained again
        Assert.Equal(first.Weights["fc.bias"].Values, second.Weights["fc.bias"].Values);
        Assert.True(File.Exists("log/history.csv") && File.Exists("log/history.json"));
    }

    [Fact]
    public void AProcessByItselfIsRankZero()
    {
        Assert.Equal(2, Training.SeveralMachines(_ml).GetResNet().History.Epochs.Length);
        Assert.True(File.Exists("model.zip"));
    }

    /// <summary>There is no GPU here, and ONNX Runtime's package is that for the CPU: what is shown asks it for CUDA.</summary>
    [Fact]
    public void WithoutAGpuTrainingTakesTheCpuAndScoringSaysThatCudaIsNotThere()
    {
        var images = Images("photos/train");
        var model = Training.OnAGpu(_ml).Fit(images);
        Assert.Single(model.History.Epochs);

        _ml.Model.Save(model, images.Schema, "model.zip");
        Assert.Contains("CUDA", Assert.ThrowsAny<Exception>(Training.ScoreOnAGpu).ToString(), StringComparison.Ordinal);
        Training.ScoreInBatchesOnAGpu(_ml);
        Assert.Contains("CUDA", Assert.ThrowsAny<Exception>(() => Training.OnAGpu(_ml).Fit(images)).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void FoldsAreCrossValidated() => Assert.InRange(Training.CrossValidate(_ml), 0.1, 1);

    [Fact]
    public void GrayscalePixelsAreReadFromCsv()
    {
        var random = new Random(1);
        File.WriteAllLines("digits.csv", Enumerable.Range(0, 24).Select(row => string.Join(',', Pictures.Draw(row % 3, 28, 28, 1, random)
            .Select(pixel => pixel.ToString(CultureInfo.InvariantCulture))
            .Prepend(Pictures.ClassNames[row % 3]))));

        Assert.Equal(1, Training.Grayscale(_ml).GetResNet().Preprocessing.Input.Channels);
    }

    // What is in a file decides, not its name.
    private static void SaveResNet18()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet18, new ImageShape(3, 224, 224), classCount: 10);
        ResNetWeights.Initialize(plan, seed: 1).Save("resnet18-f37072fd.pth");
    }

    private void AssertTheSavedModelIsGood()
    {
        using var model = (TransformerChain<ITransformer>)_ml.Model.Load("model.zip", out _);
        var scored = model.Transform(_ml.Data.LoadImageFolder("photos/test"));
        var metrics = _ml.MulticlassClassification.Evaluate(scored);
        Assert.True(metrics.MicroAccuracy > 0.8, $"accuracy {metrics.MicroAccuracy}");
    }

    private ResNetTrainer Trainer() => _ml.MulticlassClassification.Trainers.ResNet(architecture: ResNetArchitecture.ResNet20, epochs: 1);

    // For networks that read 224 pixels, and for a hundred steps.
    private IDataView FewImages()
    {
        Pictures.Write(_folder["photos/few"], perClass: 3, height: 32, width: 32);
        return Images("photos/few");
    }

    private IDataView Images(string folder)
    {
        var files = _ml.Data.LoadImageFolder(folder);
        return _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Fit(files)
            .Transform(files);
    }

    // A row's image is ML.NET's to dispose once it is read.
    private static IEnumerable<Picture> Drawn()
    {
        var random = new Random(1);
        for (var i = 0; i < 24; i++)
        {
            yield return new Picture
            {
                Image = Pictures.ToImage(Pictures.Draw(i % 3, 32, 32, 3, random), 32, 32),
                Label = Pictures.ClassNames[i % 3],
            };
        }
    }

    private static void AssertEqual(IEnumerable<float[]> expected, IEnumerable<float[]> actual) =>
        Assert.All(
            expected.Zip(actual),
            row => Assert.All(row.First.Zip(row.Second), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5f)));
}
