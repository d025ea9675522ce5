using System.IO.Compression;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests;

public sealed class RunConditionsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_records_what_was_in_force_and_the_saved_model_carries_it()
    {
        Pictures.Write(_folder["photos/stripes"], perClass: 10, height: 20, width: 24);
        var data = TrainingData.Images(_ml, _folder["photos/stripes"]);
        using var model = _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            Recipe = TrainingRecipe.Modern,
            Epochs = 2,
            BatchSize = 16,
            LearningRate = 0.025,
            Seed = 5,
            ThreadCount = 1,
            Precision = TrainingPrecision.Float32,
            LogFolder = _folder["log"],
        }).Fit(data);

        var conditions = model.History.Conditions!;
        var recipe = TrainingRecipe.FromJson(conditions.Recipe!);
        Assert.Equal((2, 16, 0.025), (recipe.Epochs, recipe.BatchSize, recipe.LearningRate));
        Assert.Equal(ImageAugmentation.CropAndFlip, recipe.Augmentation);       // what Auto came to
        Assert.Equal(
            ("tiny", "Float32", 1, "All"), (conditions.Network, conditions.Precision, conditions.Threads, conditions.TrainedLayers));
        Assert.Equal(_folder["photos/stripes"], conditions.DataFolder);
        Assert.Equal([9, 9, 9], conditions.TrainingImagesByClass.AsEnumerable());
        Assert.Equal([1, 1, 1], conditions.ValidationImagesByClass.AsEnumerable());
        Assert.Equal("random ones, by the seed 5", conditions.StartingWeights);
        Assert.Matches("^[0-9a-f]{64}$", conditions.StartingWeightsHash);
        Assert.All(
            ["ResNet.MLNet", "ML.NET", "TorchSharp", "libtorch", "ONNX Runtime", ".NET"],
            name => Assert.Matches("^[0-9]+[.][0-9]+", conditions.Versions[name]));
        Assert.InRange(TimeProvider.System.GetUtcNow() - conditions.Started, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Assert.True(conditions.Duration > TimeSpan.Zero);
        Assert.Equal(conditions, TrainingHistory.LoadJson(_folder["log/history.json"]).Conditions);

        _ml.Model.Save(model, data.Schema, _folder["model.zip"]);
        model.ExportOnnx(_folder["model.onnx"]);
        Assert.All(["model.zip", "model.onnx"], file =>
        {
            var card = ResNetWeights.Load(_folder[file]).Card!;
            Assert.Equal(
                conditions with { DataFolder = "photos/stripes", Started = default, Duration = TimeSpan.Zero },
                card.Conditions);
            Assert.Equal(
                (WithoutTimes(model.Card.LastEpoch), WithoutTimes(model.Card.BestEpoch), 5, 2),
                (card.LastEpoch, card.BestEpoch, card.Seed, card.Epochs));
            Assert.Equal(model.ClassNames.AsEnumerable(), card.ClassNames);
        });

        static EpochResult WithoutTimes(EpochResult? epoch) => epoch! with
        {
            Duration = TimeSpan.Zero,
            ImagesPerSecond = 0,
            AugmentationTime = TimeSpan.Zero,
            ValidationTime = TimeSpan.Zero,
        };
    }

    [Fact]
    public void Two_equal_runs_save_the_same_bytes()
    {
        var data = TrainingData.Vectors(_ml);
        foreach (var run in (string[])["first", "second"])
        {
            using var model = Fit(data, calibrate: true);
            _ml.Model.Save(model, data.Schema, _folder[$"{run}.zip"]);
            model.ExportOnnx(_folder[$"{run}.onnx"]);
        }

        Assert.Equal(File.ReadAllBytes(_folder["first.onnx"]), File.ReadAllBytes(_folder["second.onnx"]));

        // ML.NET dates the entries; that is all that differs.
        var (first, second) = (Entries(_folder["first.zip"]), Entries(_folder["second.zip"]));
        Assert.Equal(first.Keys, second.Keys);
        Assert.All(first, entry => Assert.Equal(entry.Value, second[entry.Key]));

        static Dictionary<string, byte[]> Entries(string path)
        {
            using var archive = ZipFile.OpenRead(path);
            return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
            {
                using var stream = entry.Open();
                using var bytes = new MemoryStream();
                stream.CopyTo(bytes);
                return bytes.ToArray();
            });
        }
    }

    [Fact]
    public void Given_weights_are_named_by_their_file_and_hashed_by_their_values()
    {
        var data = TrainingData.Vectors(_ml);
        using var first = Fit(data);
        first.Weights.Save(_folder["earlier.safetensors"]);

        var conditions = Conditions(ResNetWeights.Load(_folder["earlier.safetensors"]));
        Assert.Equal("the file earlier.safetensors", conditions.StartingWeights);
        Assert.Equal(conditions.StartingWeightsHash, Conditions(first.Weights).StartingWeightsHash);
        Assert.NotEqual(conditions.StartingWeightsHash, first.History.Conditions!.StartingWeightsHash);
        Assert.Equal("weights that the program gave, of tiny", Conditions(first.Weights).StartingWeights);
        Assert.Null(conditions.DataFolder);                                      // vectors lie in no folder

        TrainingConditions Conditions(ResNetWeights weights)
        {
            using var model = Fit(data, weights);
            return model.History.Conditions!;
        }
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(100, false)]
    public void Photographs_trained_from_nothing_at_a_small_size_are_warned_of_with_what_to_do_instead(int side, bool isWarned)
    {
        Pictures.Write(_folder.Path, perClass: 3, height: side, width: 96);
        List<string> warnings = [];
        _ml.Log += (_, message) => warnings.Add(message.Message);
        var data = TrainingData.Images(_ml, _folder.Path);

        using var model = _ml.MulticlassClassification.Trainers.ResNet(TrainingData.Options).Fit(data);

        Assert.Equal(isWarned, warnings.Any(IsAboutSize));
        Assert.All(
            warnings.Where(IsAboutSize),
            warning => Assert.Contains("about 128 pixels large, but the network reads 16×16", warning, StringComparison.Ordinal));

        // Weights that were trained before are another matter.
        warnings.Clear();
        using var tuned = _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            Epochs = 1,
            BatchSize = 4,
            Seed = 5,
            InitialWeights = model.Weights,
        }).Fit(data);
        Assert.DoesNotContain(warnings, IsAboutSize);

        static bool IsAboutSize(string warning) =>
            warning.Contains("Start from a pretrained network (Pretrained = ", StringComparison.Ordinal);
    }

    // In the precision and with the threads that a training has where nobody asks for others.
    private ResNetClassificationTransformer Fit(IDataView data, ResNetWeights? weights = null, bool calibrate = false) =>
        _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            ImageColumnName = nameof(PixelRow.Bytes),
            InputShape = TrainingData.Shape,
            Epochs = 1,
            BatchSize = 16,
            Seed = 5,
            InitialWeights = weights,
            Calibrate = calibrate,
        }).Fit(data);
}
