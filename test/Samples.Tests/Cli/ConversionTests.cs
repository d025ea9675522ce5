using System.Globalization;
using CsvHelper;
using Parquet;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class ConversionTests(CliFixture fixture) : IClassFixture<CliFixture>
{
    [Fact]
    public void ExportedSafetensorsHoldTheSameNetwork()
    {
        var output = fixture.File("exported.safetensors");

        var result = Resnet("export", fixture.ModelZip, "-o", output, "--json").Succeeded().Json;

        Assert.Equal((output, new FileInfo(output).Length, "plain20"), (result.GetProperty("output").GetString(), result.GetProperty("bytes").GetInt64(), result.GetProperty("architecture").GetString()));
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
    public async Task ParquetAndCsvHoldTheSameFeatures()
    {
        var (parquet, csv) = (fixture.File("features.parquet"), fixture.File("features.csv"));

        var result = Resnet("featurize", fixture.Safetensors, fixture.Images, "-o", parquet, "--json").Succeeded().Json;
        Resnet("featurize", fixture.Safetensors, fixture.Images, "-o", csv).Succeeded();

        Assert.Equal((9, 0, 64), (result.GetProperty("images").GetInt32(), result.GetProperty("failed").GetInt32(), result.GetProperty("features").GetInt32()));
        using var text = new CsvReader(new StreamReader(csv), CultureInfo.InvariantCulture);
        var rows = text.GetRecords<dynamic>().Cast<IDictionary<string, object>>().ToArray();
        Assert.Equal(["file", "folder", .. Enumerable.Range(0, 64).Select(feature => $"feature_{feature}")], rows[0].Keys);
        Assert.Equal(["diagonal", "diagonal", "diagonal", "lying", "lying", "lying", "standing", "standing", "standing"], rows.Select(row => row["folder"]));

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
    [InlineData("must end in .onnx or .safetensors", "export", "network.pth")]
    [InlineData("must end in .parquet or .csv", "featurize", "features.xlsx")]
    [InlineData("there is no folder", "export", "nowhere/network.onnx")]
    public void AFileThatCannotBeWrittenIsRefusedBeforeAnyWork(string message, string command, string output)
    {
        string[] images = command == "featurize" ? [fixture.Images] : [];

        var result = Resnet([command, fixture.Safetensors, .. images, "-o", fixture.File(output)]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error);
    }
}
