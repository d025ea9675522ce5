using System.Globalization;
using CsvHelper;
using Parquet;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class ConversionTests(CliFixture fixture) : IClassFixture<CliFixture>
{
    [Fact]
    public void ExportedSafetensorsHoldTheSameNetwork()
    {
        var output = fixture.File("exported.safetensors");

        var result = Resnet("export", fixture.ModelZip, "-o", output, "--json").Succeeded().Json;

        Assert.Equal(
            (output, new FileInfo(output).Length, "plain20"),
            (
                result.GetProperty("output").GetString(),
                result.GetProperty("bytes").GetInt64(),
                result.GetProperty("architecture").GetString()));
        Assert.Equal(File.ReadAllBytes(fixture.Safetensors), File.ReadAllBytes(output));
    }

    [Fact]
    public void AnExportedOnnxModelHasTheFormAskedForAndScoresTheSame()
    {
        var (output, picture) = (fixture.File("exported.onnx"), Path.Combine(fixture.Images, "standing", "001.png"));

        Resnet("export", fixture.Safetensors, "-o", output, "--channels-last", "--batch-size", "1", "--fold-batch-norm").Succeeded();
        using var session = new OnnxRuntime.InferenceSession(output);
        Assert.Equal([1, 16, 16, 3], session.InputMetadata.Single().Value.Dimensions);

        Resnet("export", fixture.Safetensors, "-o", output).Succeeded();
        var prediction = Resnet("predict", output, picture, "--json").Succeeded().Json[0];
        Assert.Equal(fixture.Scores(picture).Max(), prediction.GetProperty("classes")[0].GetProperty("probability").GetSingle());
    }

    [Fact]
    public void AFoldedOnnxModelIsReadBackByItsGraph()
    {
        var (output, picture) = (fixture.File("folded.onnx"), Path.Combine(fixture.Images, "standing", "001.png"));
        Resnet("export", fixture.Safetensors, "-o", output, "--fold-batch-norm", "--no-preprocessing").Succeeded();

        var prediction = Resnet("predict", output, picture, "--json").Succeeded().Json[0];

        var likeliest = prediction.GetProperty("classes")[0].GetProperty("probability").GetSingle();
        Assert.Equal(fixture.Scores(picture).Max(), likeliest, tolerance: 1e-5);
    }

    [Fact]
    public void AQuantizedModelScoresNearlyTheSameAndSaysSo()
    {
        var (zip, onnx) = (fixture.File("quantized.zip"), fixture.File("quantized.onnx"));
        using var folder = WithNamesOfClasses();

        var result = Resnet("quantize", fixture.Safetensors, fixture.Images, "-o", zip, "--test", folder.Path, "--json").Succeeded().Json;
        Resnet("quantize", fixture.Safetensors, fixture.Images, "-o", onnx).Succeeded();

        Assert.Equal((9, 0), (result.GetProperty("images").GetInt32(), result.GetProperty("failed").GetInt32()));
        var floats = Resnet("evaluate", fixture.Safetensors, folder.Path, "--json").Succeeded().Json.GetProperty("accuracy").GetDouble();
        Assert.Equal(floats, result.GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.True(new FileInfo(onnx).Length < new FileInfo(fixture.Onnx).Length / 2);
        var ml = new MLContext();
        using var engine = ml.Model.CreatePredictionEngine<ImageFolderRow, Scored>(ml.Model.Load(zip, out _));
        var picture = Path.Combine(fixture.Images, "standing", "001.png");
        var scores = engine.Predict(new ImageFolderRow { ImagePath = picture });
        Assert.All(fixture.Scores(picture).Zip(scores.Score), pair => Assert.Equal(pair.First, pair.Second, 0.1));
        Assert.Contains(scores.PredictedLabelText, ClassNames);
    }

    [Fact]
    public void AQuantizedModelIsUsedAsAnyOther()
    {
        var zip = fixture.File("integers.zip");
        var picture = Path.Combine(fixture.Images, "standing", "001.png");
        using var folder = WithNamesOfClasses();
        var accuracy = Resnet("quantize", fixture.Safetensors, fixture.Images, "-o", zip, "--test", folder.Path, "--json").Succeeded()
            .Json.GetProperty("quantizedAccuracy").GetDouble();

        var likeliest = Resnet("predict", zip, picture, "--json").Succeeded().Json[0].GetProperty("classes")[0];
        var evaluation = Resnet("evaluate", zip, folder.Path, "--json").Succeeded().Json;
        var features = Resnet("featurize", zip, picture, "-o", fixture.File("of-integers.csv"), "--json").Succeeded().Json;

        using var predictor = ResNetPredictor.Load(zip);
        var expected = predictor.Predict(picture);
        Assert.Equal(
            (expected.Label, expected.Probability),
            (likeliest.GetProperty("name").GetString(), likeliest.GetProperty("probability").GetSingle()));
        Assert.Equal(accuracy, evaluation.GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.Equal(64, features.GetProperty("features").GetInt32());
    }

    [Fact]
    public void TheRecipeThatIsPrintedCanBeTrainedBy()
    {
        var json = Resnet("recipe", "fast").Succeeded().Output;

        Assert.Equal(TrainingRecipe.Fast, TrainingRecipe.FromJson(json));
        var lines = Resnet("recipe").Succeeded().Lines;
        Assert.Contains(lines, line => line.StartsWith("modern\t30 epochs\t128\t0.1\t", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("paper\t64,000 steps\t128\t0.1\t", StringComparison.Ordinal));
    }

    [Fact]
    public void WeightsThatCanBeHadAreListed()
    {
        var names = Resnet("weights", "--json").Succeeded().Json.EnumerateArray().Select(each => each.GetProperty("name").GetString());

        Assert.Equal(PublishedWeights.All.Select(each => each.Name), names);
    }

    [Fact]
    public async Task ParquetAndCsvHoldTheSameFeatures()
    {
        var (parquet, csv) = (fixture.File("features.parquet"), fixture.File("features.csv"));

        var result = Resnet("featurize", fixture.Safetensors, fixture.Images, "-o", parquet, "--json").Succeeded().Json;
        Resnet("featurize", fixture.Safetensors, fixture.Images, "-o", csv).Succeeded();

        Assert.Equal(
            (9, 0, 64),
            (result.GetProperty("images").GetInt32(), result.GetProperty("failed").GetInt32(), result.GetProperty("features").GetInt32()));
        using var text = new CsvReader(new StreamReader(csv), CultureInfo.InvariantCulture);
        var rows = text.GetRecords<dynamic>().Cast<IDictionary<string, object>>().ToArray();
        Assert.Equal(["file", "folder", .. Enumerable.Range(0, 64).Select(feature => $"feature_{feature}")], rows[0].Keys);
        Assert.Equal(
            ["diagonal", "diagonal", "diagonal", "lying", "lying", "lying", "standing", "standing", "standing"],
            rows.Select(row => row["folder"]));

        await using var reader = await ParquetReader.CreateAsync(parquet);
        using var group = reader.OpenRowGroupReader(0);
        foreach (var field in reader.Schema.GetDataFields().Skip(2))
        {
            var values = new float[rows.Length];
            await group.ReadAsync<float>(field, values);
            Assert.Equal(rows.Select(row => float.Parse((string)row[field.Name], CultureInfo.InvariantCulture)), values);
        }
    }

    [Theory]
    [InlineData("export", "linked.onnx")]
    [InlineData("export", "linked.safetensors")]
    [InlineData("featurize", "linked.csv")]
    [InlineData("featurize", "linked.parquet")]
    public void ThroughALinkTheTargetIsWritten(string command, string output)
    {
        File.CreateSymbolicLink(fixture.File(output), $"target-of-{output}");
        string[] images = command == "featurize" ? [fixture.Images] : [];

        var run = Resnet([command, fixture.Safetensors, .. images, "-o", fixture.File(output), "--json"]).Succeeded();

        var target = new FileInfo(fixture.File($"target-of-{output}"));
        Assert.InRange(target.Length, 1000, long.MaxValue);
        Assert.NotNull(new FileInfo(fixture.File(output)).LinkTarget);
        Assert.True(!run.Json.TryGetProperty("bytes", out var bytes) || bytes.GetInt64() == target.Length);
    }

    [Theory]
    [InlineData(2, "must end in .onnx or .safetensors", "export", "network.pth")]
    [InlineData(2, "must end in .parquet or .csv", "featurize", "features.xlsx")]
    [InlineData(1, "there is no folder", "export", "nowhere/network.onnx")]
    public void AFileThatCannotBeWrittenIsRefusedBeforeAnyWork(int exitCode, string message, string command, string output)
    {
        string[] images = command == "featurize" ? [fixture.Images] : [];

        var result = Resnet([command, fixture.Safetensors, .. images, "-o", fixture.File(output)]);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(message, result.Error);
    }

    private static TemporaryFolder WithNamesOfClasses()
    {
        var folder = new TemporaryFolder();
        Pictures.Write(folder.Path, perClass: 3, height: 16, width: 16);
        Directory.Move(folder["lying"], folder["lying, \"flat\""]);
        return folder;
    }

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];

        public string PredictedLabelText { get; set; } = "";
    }
}
