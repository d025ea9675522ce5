using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests;

/// <summary>
/// ONNX Runtime writes a device's number and events into the user's cache folder, and sends them, unless it is told not to.
/// </summary>
public sealed class TelemetryTests(Cli.CliFixture fixture) : IClassFixture<Cli.CliFixture>, IDisposable
{
    private readonly TemporaryFolder _home = new();

    [Theory]
    [InlineData("predict")]
    [InlineData("featurize")]
    public void ACommandThatScoresLeavesNothingInTheUsersFolders(string command)
    {
        string[] output = command == "featurize" ? ["--output", fixture.File("features.csv")] : [];
        Run([SampleProcess.Assembly("Cli", "resnet"), command, fixture.ModelZip, fixture.Images, .. output]);

        Assert.Empty(Left());
    }

    [Fact]
    public void AProgramWithoutThisLibraryThatTakesTheSamplesLineLeavesNothing()
    {
        Run([SampleProcess.Assembly("Consume"), fixture.ModelZip, Path.Combine(fixture.Images, "lying", "000.png")]);

        Assert.Empty(Left());
    }

    // Also what shows that the tests above look where ONNX Runtime writes.
    [SkippableFact]
    public void ASwitchLeavesItAsOnnxRuntimeHasIt()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Elsewhere ONNX Runtime writes elsewhere, or nothing.");
        var resnet = SampleProcess.Assembly("Cli", "resnet");
        var config = JsonNode.Parse(File.ReadAllText(Path.ChangeExtension(resnet, ".runtimeconfig.json")))!;
        config["runtimeOptions"]!["configProperties"]!["Microsoft.ML.ResNet.KeepOnnxRuntimeTelemetry"] = true;
        File.WriteAllText(fixture.File("keep.runtimeconfig.json"), config.ToJsonString());

        Run(["exec", "--runtimeconfig", fixture.File("keep.runtimeconfig.json"), resnet, "predict", fixture.ModelZip, fixture.Images]);

        Assert.Contains(Left(), path => Path.GetFileName(path) == "deviceid");
    }

    public void Dispose() => _home.Dispose();

    private void Run(string[] arguments) => SampleProcess.Run("dotnet", arguments, environment:
        [("HOME", _home.Path), ("XDG_CACHE_HOME", _home[".cache"]), ("ORT_DISABLE_TELEMETRY", null)]).Succeeded();

    private string[] Left() => Directory.GetFiles(_home.Path, "*", SearchOption.AllDirectories);
}
