using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class EvaluateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EvaluateTests()
    {
        Pictures.Write(_folder["images"], perClass: 4, height: 16, width: 16);
        new ResNetWeights(Untrained.Tensors)
        {
            ArchitectureName = "plain20",
            Preprocessing = Untrained.Preprocessing,
            ClassNames = ["diagonal", "lying", "standing"],
        }.Save(_folder["network.safetensors"]);
    }

    [Fact]
    public void FiguresAreThoseOfThePredictions()
    {
        var predictions = Resnet("predict", _folder["network.safetensors"], _folder["images"], "--json", "--top", "3").Succeeded().Json
            .EnumerateArray()
            .Select(each => (
                Label: Path.GetFileName(Path.GetDirectoryName(each.GetProperty("file").GetString()!)),
                Classes: each.GetProperty("classes").EnumerateArray().ToArray()))
            .ToArray();

        var result = Resnet("evaluate", _folder["network.safetensors"], _folder["images"], "--top", "2", "--json").Succeeded().Json;

        Assert.Equal(
            (12, 0, 2),
            (result.GetProperty("images").GetInt32(), result.GetProperty("failed").GetInt32(), result.GetProperty("top").GetInt32()));
        Assert.Equal(Share(1), result.GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.Equal(Share(2), result.GetProperty("topAccuracy").GetDouble(), 1e-9);
        Assert.Equal(
            predictions.Average(each => -Math.Log(
                each.Classes.Single(known => known.GetProperty("name").GetString() == each.Label).GetProperty("probability").GetDouble())),
            result.GetProperty("logLoss").GetDouble(), 1e-5);
        Assert.Equal(
            ["diagonal", "lying", "standing"],
            result.GetProperty("classes").EnumerateArray().Select(each => each.GetProperty("name").GetString()));
        Assert.All(
            result.GetProperty("confusion").EnumerateArray(), row => Assert.Equal(4, row.EnumerateArray().Sum(cell => cell.GetInt32())));

        double Share(int top) =>
            predictions.Average(each => each.Classes.Take(top).Any(known => known.GetProperty("name").GetString() == each.Label) ? 1.0 : 0);
    }

    [Fact]
    public void AnImageThatCannotBeReadIsNamedAndLeftOut()
    {
        var bad = Path.Combine(_folder["images"], "lying", "bad.png");
        File.WriteAllText(bad, "no image");

        var result = Resnet("evaluate", _folder["network.safetensors"], _folder["images"], "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"Image '{bad}' cannot be read", result.Error);
        Assert.Equal((12, 1), (result.Json.GetProperty("images").GetInt32(), result.Json.GetProperty("failed").GetInt32()));
    }

    [Fact]
    public void AFolderOfAnUnknownClassIsRefused()
    {
        Directory.Move(Path.Combine(_folder["images"], "lying"), Path.Combine(_folder["images"], "running"));

        var result = Resnet("evaluate", _folder["network.safetensors"], _folder["images"]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("has a class 'running'", result.Error);
        Assert.Contains("Its classes are: diagonal, lying, standing. Those of the folder are: diagonal, running, standing.", result.Error);
    }

    [Theory]
    [InlineData("evaluate")]
    [InlineData("report")]
    public void WhereTheClassesHaveNoNamesTheOptionThatNamesThemIsTold(string command)
    {
        new ResNetWeights(Untrained.Tensors) { ArchitectureName = "plain20",
            Preprocessing = Untrained.Preprocessing }.Save(_folder["nameless.safetensors"]);
        string[] output = command == "report" ? ["-o", _folder["report.html"]] : [];

        var refused = Resnet([command, _folder["nameless.safetensors"], _folder["images"], .. output]);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("name them with --classes", refused.Error);
        File.WriteAllLines(_folder["names.txt"], ["diagonal", "lying", "standing"]);
        Resnet([command, _folder["nameless.safetensors"], _folder["images"], "--classes", _folder["names.txt"], .. output]).Succeeded();
    }

    [Fact]
    public void TheConfusionMatrixIsPrinted()
    {
        var confusion = Resnet("evaluate", _folder["network.safetensors"], _folder["images"],
            "--json").Succeeded().Json.GetProperty("confusion");

        var lines = Resnet("evaluate", _folder["network.safetensors"], _folder["images"]).Succeeded().Lines;

        Assert.Contains("is \\ predicted\tdiagonal\tlying\tstanding", lines);
        foreach (var (label, name) in new[] { "diagonal", "lying", "standing" }.Index())
        {
            Assert.Contains($"{name}\t{string.Join('\t', confusion[label].EnumerateArray().Select(cell => cell.GetInt32()))}", lines);
        }
    }

    [Fact]
    public void AReportLeavesOutAnImageThatCannotBeRead()
    {
        var bad = Path.Combine(_folder["images"], "lying", "bad.png");
        File.WriteAllText(bad, "no image");

        var run = Resnet("report", _folder["network.safetensors"], _folder["images"], "-o", _folder["report.html"], "--json");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"Image '{bad}' cannot be read", run.Error);
        Assert.Equal((12, 1), (run.Json.GetProperty("images").GetInt32(), run.Json.GetProperty("failed").GetInt32()));
        Assert.Contains("standing", File.ReadAllText(_folder["report.html"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AReportIsOneFileThatLooksIntoTheNetworkWhereThereIsLibtorch(bool torch)
    {
        (string, string?)[] environment = torch ? [] : [("NUGET_PACKAGES", _folder["none"]), ("RESNET_LIBTORCH", null)];

        var run = SampleProcess.Run(
            "dotnet", [SampleProcess.Assembly("Cli", "resnet"), "report", _folder["network.safetensors"], _folder["images"], "-o",
                _folder["report.html"], "--title", "Stripes & more", "--json"],
            environment: environment).Succeeded();

        Assert.Equal(new FileInfo(_folder["report.html"]).Length, run.Json.GetProperty("bytes").GetInt64());
        Assert.Equal(torch, !run.Error.Contains("There is no libtorch"));
        var html = File.ReadAllText(_folder["report.html"]);
        Assert.Equal(torch, html.Contains("Layer responses"));
        Assert.Contains("Stripes &amp; more", html);
        Assert.Contains("standing", html);
    }

    public void Dispose() => _folder.Dispose();
}
