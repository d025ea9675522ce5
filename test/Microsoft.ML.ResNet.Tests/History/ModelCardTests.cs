using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Scoring;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.History;

public sealed class ModelCardTests : IDisposable
{
    private static readonly TrainingHistory History = new()
    {
        Epochs =
        [
            new EpochResult(1, 0.1, 2, 0.25, 1.5, 0.75, TimeSpan.FromSeconds(1), 100),
            new EpochResult(2, 0.1, 1, 0.5, 1.25, 0.625, TimeSpan.FromSeconds(1), 100),
        ],
        Seed = 7,
        TrainingImages = 30,
        ValidationImages = 3,
        Conditions = new TrainingConditions
        {
            Network = "tiny",
            Recipe = "{\n  \"Epochs\": 2\n}".ReplaceLineEndings(),
            DataFolder = "/home/somebody/photos/train",
            TrainingImagesByClass = [10, 12, 8],
            ValidationImagesByClass = [1, 1, 1],
            Processor = "A CPU",
            Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        },
    };

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _rows;

    public ModelCardTests()
    {
        var rows = Pictures.Load(_ml, Pictures.Rows(perClass: 1, height: 8, width: 8, channels: 3));
        _rows = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(rows).Transform(rows);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_saved_and_reloaded_model_still_carries_its_card()
    {
        using var model = Trained(History);
        _ml.Model.Save(model, _rows.Schema, _folder["model"]);
        var loaded = _ml.Model.Load(_folder["model"], out var schema);
        _ml.Model.Save(loaded, schema, _folder["again"]);
        (loaded as IDisposable)?.Dispose();

        var card = ResNetWeights.Load(_folder["again"]).Card!;

        Assert.Equal(
            ("tiny", TestClassifier.Shape, 30, 3, 7, 2),
            (card.Network, card.Input, card.TrainingImages, card.ValidationImages, card.Seed, card.Epochs));
        Assert.Equal((WithoutTimes(History.Epochs[1]), WithoutTimes(History.Epochs[0])), (card.LastEpoch, card.BestEpoch));
        Assert.Equal(Pictures.ClassNames, card.ClassNames);
        Assert.Equal("photos/train", card.Conditions!.DataFolder);               // who trained it is nobody's business
        var times = model.Card.ToMarkdown().Split('\n').Where(line => line.Contains("| Date |") || line.Contains("| Duration |")).ToArray();
        Assert.Equal(2, times.Length);
        var expected = times.Aggregate(model.Card.ToMarkdown().Replace("/home/somebody/", "", StringComparison.Ordinal), Without);
        Assert.Equal(expected, card.ToMarkdown());

        static string Without(string text, string line) => text.Replace(line + "\n", "", StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_clock_said_changes_no_byte_of_the_file()
    {
        using var first = Trained(History);
        using var later = Trained(History with
        {
            Epochs = [.. History.Epochs.Select(epoch => epoch with
            {
                Duration = 3 * epoch.Duration,
                ImagesPerSecond = 33,
                AugmentationTime = TimeSpan.FromSeconds(2),
                ValidationTime = TimeSpan.FromSeconds(1),
            })],
            ReadingTime = TimeSpan.FromSeconds(5),
            Conditions = History.Conditions! with
            {
                Started = History.Conditions.Started.AddDays(1),
                Duration = TimeSpan.FromHours(1),
            },
        });
        first.ExportOnnx(_folder["first.onnx"]);
        later.ExportOnnx(_folder["later.onnx"]);

        Assert.Equal(File.ReadAllBytes(_folder["first.onnx"]), File.ReadAllBytes(_folder["later.onnx"]));
        using var session = new InferenceSession(_folder["first.onnx"]);
        var json = session.ModelMetadata.CustomMetadataMap["model_card"];
        Assert.Contains("\"lastEpoch\":{\"epoch\":2,", json, StringComparison.Ordinal);
        Assert.All(
            ["started", "uration", "imagesPerSecond", "Time", "0001"], // neither said nor zero
            name => Assert.DoesNotContain(name, json, StringComparison.Ordinal));
    }

    [Fact]
    public void A_quantized_model_carries_the_same_card_though_its_weights_cannot_be_read()
    {
        using var model = Trained(History);
        using var quantized = model.Quantize(_rows);
        _ml.Model.Save(quantized, _rows.Schema, _folder["quantized.zip"]);
        quantized.ExportOnnx(_folder["quantized.onnx"]);
        model.ExportOnnx(_folder["floats.onnx"]);

        var card = ResNetWeights.Load(_folder["floats.onnx"]).Card!;
        Assert.Equal(Pictures.ClassNames, card.ClassNames);
        Assert.All(["floats.onnx", "quantized.onnx", "quantized.zip"], file =>
            Assert.Equal(card.ToJson(), ModelCard.Load(_folder[file])!.ToJson()));
        Assert.Throws<InvalidDataException>(() => ResNetWeights.Load(_folder["quantized.zip"]));
    }

    [Fact]
    public void Weights_that_are_applied_keep_their_card()
    {
        using var model = Trained(History);
        model.ExportOnnx(_folder["model.onnx"]);

        var weights = ResNetWeights.Load(_folder["model.onnx"]);
        using var applied = _ml.Transforms.ApplyResNet(weights, TestClassifier.Tiny, ["a", "b", "c"], nameof(PixelRow.Bytes)).Fit(_rows);
        applied.ExportOnnx(_folder["again.onnx"]);

        Assert.Equal((weights.Card! with { ClassNames = ["a", "b", "c"] }).ToJson(), applied.Card.ToJson());
        Assert.Equal(applied.Card.ToJson(), ModelCard.Load(_folder["again.onnx"])!.ToJson());

        // Of a card that others wrote, parts may be missing.
        var shortCard = WeightsMetadata.Write(new ModelCard { Network = "tiny" });
        var builder = new WeightsBuilder(new MemoryAllowance(1 << 20, 1 << 20));
        WeightsMetadata.Read(builder, "model_card", shortCard);
        Assert.Null(builder.Card!.Conditions);
        Assert.Equal("tiny", builder.Card.Network);
    }

    [Fact]
    public void Other_files_of_weights_carry_no_card_and_other_files_are_refused()
    {
        using var model = Trained(History);
        model.Weights.Save(_folder["weights.safetensors"]);
        model.ExportOnnx(_folder["model.onnx"]);
        var bytes = File.ReadAllBytes(_folder["model.onnx"]);
        File.WriteAllBytes(_folder["cut.onnx"], bytes[..^5]);
        File.WriteAllText(_folder["page.zip"], "<html>");
        File.WriteAllBytes(_folder["claims.onnx"], [8, 8, 0x72, 0xff, 0xff, 0xff, 0xff, 0x07]); // metadata of 2 GB

        Assert.Null(ModelCard.Load(_folder["weights.safetensors"]));
        Assert.All(["cut.onnx", "page.zip", "claims.onnx"], file =>
            Assert.Contains(
                file, Assert.Throws<InvalidDataException>(() => ModelCard.Load(_folder[file])).Message, StringComparison.Ordinal));
        Assert.Throws<FileNotFoundException>(() => ModelCard.Load(_folder["none.onnx"]));
    }

    [Fact]
    public void A_network_that_was_not_trained_here_is_saved_without_a_card()
    {
        using var model = Trained(new TrainingHistory());
        model.ExportOnnx(_folder["model.onnx"]);

        using var session = new InferenceSession(_folder["model.onnx"]);
        Assert.DoesNotContain("model_card", session.ModelMetadata.CustomMetadataMap.Keys);
        Assert.Null(ResNetWeights.Load(_folder["model.onnx"]).Card);
        Assert.Equal("tiny", model.Card.Network);                                // what is known is told all the same
    }

    [Fact]
    public void The_card_is_read_in_plain_words()
    {
        using var model = Trained(History);
        var card = model.Card.ToMarkdown();

        Assert.All(
            [
                "# Model card\n", "| Network | tiny |",
                "| Best validation accuracy | 75.00 %, in epoch 1 |", "| Date | 2026-01-02 03:04 UTC |",
                "| Images | 30 to train on, 3 to validate on, 0 skipped |",
                "| standing | 12 to train on, 1 to validate on |", "| CPU | A CPU |",
                "```json\n{\n  \"Epochs\": 2\n}\n```",
            ],
            text => Assert.Contains(text, card, StringComparison.Ordinal));

        using var json = JsonDocument.Parse(model.Card.ToJson());
        Assert.Equal(2, json.RootElement.GetProperty("conditions").GetProperty("recipe").GetProperty("Epochs").GetInt32());
    }

    [Fact]
    public void Names_do_not_become_markup()
    {
        var card = new ModelCard
        {
            ClassNames = ["a|b\n# c", "<img>"],
            Conditions = new TrainingConditions { TrainingImagesByClass = [1, 2] },
        };

        Assert.Contains("| a\\|b \\# c | 1 to train on |\n| \\<img\\> | 2 to train on |\n", card.ToMarkdown(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"conditions": {"versions": null}}""")]
    [InlineData("""{"conditions": {"trainingImagesByClass": null}}""")]
    [InlineData("""{"conditions": {"recipe": [[[[[[[[[1]]]]]]]]]}}""")]
    public void A_card_that_is_none_is_refused_by_name(string json)
    {
        var builder = new WeightsBuilder(new MemoryAllowance(1 << 20, 1 << 20));
        var exception = Assert.Throws<InvalidDataException>(() => WeightsMetadata.Read(builder, "model_card", json));

        Assert.Contains("model_card", exception.Message, StringComparison.Ordinal);
    }

    private static EpochResult WithoutTimes(EpochResult epoch) => epoch with { Duration = TimeSpan.Zero, ImagesPerSecond = 0 };

    private ResNetClassificationTransformer Trained(TrainingHistory history)
    {
        var image = ImageColumn.Bind(_rows.Schema, nameof(PixelRow.Bytes), TestClassifier.Shape, 8);
        var label = LabelColumn.Bind(_rows.Schema, "Label");
        var plan = LayerPlan.Create(TestClassifier.Tiny, image.Shape, label.ClassCount);
        var network = new ResNetModel(
            plan, ResNetWeights.Initialize(plan, seed: 3), new ImagePreprocessing(image.Shape, [1, 1, 1], [1, 1, 1]));
        return ResNetClassificationTransformer.Create(_ml.Transforms.GetEnvironment(), _rows, image, label, network, history);
    }
}
