using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Analysis;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Tests.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

public sealed class GradCamTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _images;

    public GradCamTests() => _images = Classifiers.Images(_ml, _folder, height: 20, width: 30);

    public static TheoryData<BlockKind> Blocks => [BlockKind.Basic, BlockKind.PreActivationBasic];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Blocks))]
    public void ChannelWeightsAreTheLogitsGradients(BlockKind block)
    {
        var plan = LayerPlan.Create(TrainingData.Tiny with { Block = block }, TrainingData.Shape, 3);
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(plan, ResidualNetworkTests.RandomWeights(plan), TrainingPrecision.Float32);
        var end = LayerDepth.EndOfStage(plan, stage: 1);
        var activations = GradCam.Activations(network, sin(arange(plan.Input.Size).mul(0.7)).reshape(1, 3, 16, 16), end);
        var places = activations.shape[2] * activations.shape[3];

        var weights = GradCam.ChannelWeights(GradCam.Logits(network, activations, end)[0, 1], activations).data<float>().ToArray();

        // Raising all of a channel by ε changes the logit by ε times the sum of its gradient, which is the mean times the places.
        const double epsilon = 2e-3;
        var differences = weights.Select((_, channel) => (Logit(channel, epsilon) - Logit(channel, -epsilon)) / (2 * epsilon * places))
            .ToArray();
        var largest = differences.Max(Math.Abs);
        Assert.True(largest > 1e-5, $"gradients of {largest} compare nothing");
        Assert.All(differences.Zip(weights), pair => Assert.Equal(pair.First, pair.Second, tolerance: 0.02 * largest));

        double Logit(int channel, double change)
        {
            var changed = activations.detach().clone();
            changed.select(1, channel).add_(change);
            return GradCam.Logits(network, changed, end)[0, 1].item<float>();
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void AtTheLastStageIsTheClassActivationMap(BlockKind block)
    {
        using var model = Classifiers.Create(
            _ml, _images, Classifiers.Preprocessing(TrainingData.Shape), TrainingData.Tiny with { Block = block });
        using var image = Picture(16, 16);

        var map = model.GradCam(image, "standing");

        // Zhou et al. (2016): the head's weights of the class times the activations that are pooled.
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(model.Plan, model.Weights, TrainingPrecision.Float32);
        var pooled = model.Plan.Layers.Index().Last(layer => layer.Item is GlobalAveragePoolLayer).Item.Inputs[0];
        var pixels = tensor(Pictures.ToPlanar(Rgb(16, 16), 3), [1, 3, 16, 16]);
        using var preprocessing = new TorchPreprocessing(model.Preprocessing);
        var activations = GradCam.Activations(network, preprocessing.Apply(pixels), pooled);
        var head = tensor(model.Weights["fc.weight"].Values.ToArray(), [3, model.Plan.FeatureCount]);
        var expected = head[1].reshape(1, -1, 1, 1).mul(activations).sum(1).relu();
        expected = expected.div(expected.max());
        Assert.Equal((8, 8), (map.Height, map.Width));
        Assert.Equal(1, map.Values.Max());
        Assert.All(
            expected.contiguous().data<float>().ToArray().Zip(map.Values), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5));
    }

    [Fact]
    public void ExplainsWhatIsScored()
    {
        var preprocessing = Classifiers.Preprocessing(TrainingData.Shape) with { CropBorder = 2, Supersampling = 2 };
        using var model = Classifiers.Create(_ml, _images, preprocessing);
        var scores = Classifiers.Scores(model.Transform(_images));

        foreach (var (path, score) in _images.GetColumn<string>("ImagePath").Zip(scores))
        {
            using var image = MLImage.CreateFromFile(path);
            var predicted = model.GradCam(image);
            Assert.Equal(model.ClassNames[Array.IndexOf(score, score.Max())], predicted.ClassName);
            Assert.Equal(score.Max(), predicted.Probability, tolerance: 1e-4);
            Assert.Equal(score[2], model.GradCam(image, "diagonal").Probability, tolerance: 1e-4);
            Assert.Equal((30, 20), (image.Width, image.Height)); // it is still the caller's
        }
    }

    [Fact]
    public void EveryStageHasAMap()
    {
        using var model = Classifiers.Create(_ml, _images, Classifiers.Preprocessing(TrainingData.Shape));
        using var image = Picture(30, 20);

        var (first, last) = (model.GradCam(image, stage: 1), model.GradCam(image, stage: 2));

        Assert.Equal((16, 16), (first.Height, first.Width));
        Assert.Equal((8, 8), (last.Height, last.Width));
        Assert.All(first.Values, heat => Assert.InRange(heat, 0, 1));
        Assert.Equal(first.Values[3 * 16 + 5], first[3, 5]);
        Assert.Throws<ArgumentOutOfRangeException>(() => last[0, 8]);
    }

    [Fact]
    public void TheHottestPlaceLiesOnWhatTheClassIsKnownBy()
    {
        using var train = new TemporaryFolder();
        using var test = new TemporaryFolder();
        PatchPictures.Write(train.Path, perClass: 100, seed: 1);
        var patches = PatchPictures.Write(test.Path, perClass: 10, seed: 2);
        var trainer = _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = new ImageShape(3, PatchPictures.Side, PatchPictures.Side),
            Epochs = 6,
            BatchSize = 16,
            ValidationFraction = 0,
            ThreadCount = 1,
            Seed = 5,
            Precision = TrainingPrecision.Float32,
        });
        using var model = trainer.Fit(Classifiers.Labeled(_ml, train.Path, PatchPictures.ClassNames));
        var tested = Classifiers.Labeled(_ml, test.Path, PatchPictures.ClassNames);
        Assert.True(_ml.MulticlassClassification.Evaluate(model.Transform(tested)).MicroAccuracy > 0.9, "the network has not learned");

        var hits = patches.Count(patch =>
        {
            using var image = MLImage.CreateFromFile(patch.Path);
            var map = model.GradCam(image);
            var hottest = map.Values.IndexOf(map.Values.Max());
            var scale = PatchPictures.Side / map.Width;
            return patch.Contains(hottest % map.Width * scale + scale / 2, hottest / map.Width * scale + scale / 2, margin: 2);
        });

        // The patch is a tenth of the picture.
        Assert.True(hits >= 0.8 * patches.Length, $"{hits} of {patches.Length}");
    }

    [Theory]
    [InlineData(0, 1, 5, 0)]  // of 30×20, the 20×20 in the middle
    [InlineData(2, 1, 7, 2)]  // 20×20 is resized to 20×20, and a border of 2 is cut off
    [InlineData(2, 3, 7, 2)]
    public void TheOverlayLiesOnWhatTheNetworkSaw(int cropBorder, int supersampling, int left, int top)
    {
        using var model = Classifiers.Create(
            _ml, _images, Classifiers.Preprocessing(TrainingData.Shape) with { CropBorder = cropBorder, Supersampling = supersampling });
        using var image = Picture(height: 20, width: 30);

        var map = model.GradCam(image, stage: 1);
        using var overlay = map.Overlay();
        using var nothing = map.Overlay(opacity: 0);

        Assert.True(nothing.Pixels.SequenceEqual(image.Pixels));
        Assert.Equal((30, 20), (overlay.Width, overlay.Height));
        var changed = Enumerable.Range(0, 30 * 20)
            .Where(i => !overlay.Pixels.Slice(4 * i, 4).SequenceEqual(image.Pixels.Slice(4 * i, 4)))
            .ToArray();
        Assert.NotEmpty(changed);
        Assert.All(
            changed,
            i => Assert.True(i % 30 >= left && i % 30 < 30 - left && i / 30 >= top && i / 30 < 20 - top, $"pixel {i % 30}, {i / 30}"));
    }

    [Fact]
    public void TheHottestPlaceHasTheHottestColour()
    {
        using var model = Classifiers.Create(_ml, _images, Classifiers.Preprocessing(TrainingData.Shape));
        using var image = Picture(height: 64, width: 64);

        var map = model.GradCam(image);
        using var overlay = map.Overlay(opacity: 1);

        var hottest = map.Values.IndexOf(1);
        var (row, column) = (hottest / 8 * 8 + 4, hottest % 8 * 8 + 4); // 64 pixels, 8 places
        var pixel = overlay.Pixels.Slice(4 * (row * 64 + column), 4);
        Assert.InRange(pixel[2], 0xB4, 0xFD); // yellow
        Assert.InRange(pixel[1], 0xDE, 0xE7);
        Assert.InRange(pixel[0], 0x25, 0x2C);
        Assert.Equal(255, pixel[3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => map.Overlay(opacity: 1.1));
    }

    [Fact]
    public void SaysWhatIsWrong()
    {
        using var model = Classifiers.Create(_ml, _images, Classifiers.Preprocessing(TrainingData.Shape));
        using var image = Picture(16, 16);
        Assert.Contains("lying, standing, diagonal", Assert.Throws<ArgumentException>(() => model.GradCam(image, "lie")).Message);
        Assert.Contains("stages 1 to 2", Assert.Throws<ArgumentOutOfRangeException>(() => model.GradCam(image, stage: 3)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.GradCam(image, stage: 0));

        var vectors = Pictures.Load(_ml, Pictures.Rows(1, 16, 16, 3));
        using var ofVectors = Classifiers.Create(_ml, vectors, Classifiers.Preprocessing(TrainingData.Shape), imageColumn: "Bytes");
        Assert.Contains("holds vectors", Assert.Throws<InvalidOperationException>(() => ofVectors.GradCam(image)).Message);
    }

    [Fact]
    public void FreesEveryTensor()
    {
        using var model = Classifiers.Create(_ml, _images, Classifiers.Preprocessing(TrainingData.Shape));
        using var image = Picture(16, 16);
        var before = LiveTensors.CountBefore();

        model.GradCam(image, stage: 1);

        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    private static byte[] Rgb(int height, int width) => Pictures.Draw(label: 1, height, width, 3, new Random(3));

    private static MLImage Picture(int height, int width) => Pictures.ToImage(Rgb(height, width), height, width);
}
