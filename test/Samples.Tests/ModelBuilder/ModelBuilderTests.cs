using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests.ModelBuilder;

public sealed class ModelBuilderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void TheSampleTrainsOnceTestsAndClassifies()
    {
        Pictures.Write(_folder["data/shapes/train"], perClass: 16, height: 32, width: 32); // where it would draw otherwise

        var first = Run().Succeeded();
        var again = Run(Path.Combine("data", "shapes", "train", "lying", "000.png")).Succeeded(); // of MLModel, its consumption part alone

        var noImage = Run("MLModel.mlnet");

        Assert.Equal(1, noImage.ExitCode);
        Assert.Contains("are not an image", Assert.Single(noImage.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Contains("Epoch 10 of 10, step ", first.Error);
        Assert.Matches("test accuracy [0-9.]+ %, log-loss", first.Output);
        Assert.DoesNotContain("Epoch", again.Error);
        Assert.False(Directory.Exists(_folder["cache"]), "ONNX Runtime's telemetry left files in the user's cache folder.");
        Assert.Equal(["diagonal", "lying", "standing"], again.Lines[1..].Select(line => line.Split(':')[0]).Order());
    }

    [Theory]
    [InlineData("images/lying/000.png", "MLModel.mlnet' is not a model of this program")]
    [InlineData("missing.png", "missing.png")]
    public void WhatIsWrongWithImageOrModelIsSaidInALine(string path, string said)
    {
        File.WriteAllText(_folder["MLModel.mlnet"], "no model");
        Pictures.Write(_folder["images"], perClass: 1, height: 8, width: 8);

        var result = Run(path);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(said, Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void AnImageThatIsNotThereIsSaidBeforeTraining()
    {
        var result = Run("--help");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("There is no image '--help'.", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    private ProcessResult Run(params string[] arguments) => SampleProcess.Run(
        "dotnet", [SampleProcess.Assembly("ModelBuilder"), .. arguments], folder: _folder.Path,
        environment: [("XDG_CACHE_HOME", _folder["cache"]), ("ORT_DISABLE_TELEMETRY", null)]);
}
