using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class ToolPackageTests(CliFixture fixture) : IClassFixture<CliFixture>
{
    [Fact]
    public void ThePackedToolInstallsAndRunsWithoutTheRepository()
    {
        var (feed, tools) = (fixture.File("feed"), fixture.File("tools"));
        Packing.Pack(feed, version: null, "samples/Cli/Cli.csproj");
        var package = new FileInfo(Assert.Single(Directory.GetFiles(feed, "*.nupkg")));
        Assert.True(package.Length < 150 << 20, $"The package has {package.Length:n0} bytes: is libtorch in it?");

        SampleProcess.Run("dotnet", ["tool", "install", "ResNet.MLNet.Tool", "--tool-path", tools, "--source", feed], folder: feed)
            .Succeeded();

        var resnet = Path.Combine(tools, OperatingSystem.IsWindows() ? "resnet.exe" : "resnet");
        (string, string?)[] noPackages = [("NUGET_PACKAGES", fixture.File("none"))];
        var inspected = SampleProcess.Run(resnet, ["inspect", fixture.ModelZip, "--json"], folder: feed, environment: noPackages)
            .Succeeded().Json;
        Assert.Equal("plain20", inspected.GetProperty("architecture").GetString());
        var predicted = SampleProcess.Run(
            resnet, ["predict", fixture.ModelZip, fixture.Images, "--json"], folder: feed, environment: noPackages)
            .Succeeded().Json;
        Assert.Equal(9, predicted.GetArrayLength());
        var trained = SampleProcess.Run(
            resnet, ["train", fixture.Images, "-o", fixture.File("trained.zip")], folder: feed, environment: noPackages);
        Assert.Contains("Training needs libtorch", trained.Error);
    }
}
