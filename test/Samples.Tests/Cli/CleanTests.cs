using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class CleanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _wrong;

    public CleanTests()
    {
        SmallSampleTests.DrawShadesOfGrey(_folder["images"], perClass: 20);
        Untrained.Save(_folder["network.safetensors"]);
        _wrong = Path.Combine(_folder["images"], "standing", "wrong.png");
        File.Move(Path.Combine(_folder["images"], "lying", "007.png"), _wrong);
    }

    [Fact]
    public void TheListIsPrintedAndWrittenAndNoImageIsMoved()
    {
        var before = Files();

        var result = Clean("--report", _folder["labels.html"], "--csv", _folder["labels.csv"], "--json").Succeeded().Json;

        Assert.Equal(
            (60, 0, 0),
            (result.GetProperty("images").GetInt32(), result.GetProperty("failed").GetInt32(), result.GetProperty("moved").GetInt32()));
        var first = result.GetProperty("issues")[0];
        Assert.Equal(
            (_wrong, "standing", "lying"),
            (first.GetProperty("file").GetString(), first.GetProperty("label").GetString(), first.GetProperty("suggested").GetString()));
        Assert.Contains($"{_wrong},standing,lying,", File.ReadAllText(_folder["labels.csv"]), StringComparison.Ordinal);
        Assert.Contains("standing/wrong.png", File.ReadAllText(_folder["labels.html"]), StringComparison.Ordinal);
        Assert.Equal(before, Files());
    }

    [Fact]
    public void ImagesAreMovedWhereThatIsAskedFor()
    {
        var lines = Clean("--margin", "0.5", "--move-to", _folder["aside"]).Succeeded().Lines;

        Assert.Equal("file\tlabel\tsuggested\tmargin", lines[0]);
        Assert.StartsWith($"{_wrong}\tstanding\tlying\t0.", lines[1], StringComparison.Ordinal);
        Assert.All(lines[1..], line => Assert.InRange(double.Parse(line.Split('\t')[3], CultureInfo.InvariantCulture), 0.5, 1));
        Assert.False(File.Exists(_wrong));
        Assert.True(File.Exists(_folder["aside/standing/wrong.png"]));
        Assert.Equal(60 - (lines.Length - 1), Files().Length);

        File.Copy(_folder["aside/standing/wrong.png"], _wrong);
        var again = Clean("--margin", "0.5", "--move-to", _folder["aside"]);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("already, so no image was moved", again.Error);
        Assert.True(File.Exists(_wrong));
    }

    // The tool brings one with it, so nothing is downloaded: no machine that these tests run on need be able to.
    [Fact]
    public void WithoutAModelThePretrainedNetworkIsTaken()
    {
        var result = Resnet(["clean", _folder["images"], "--json"]).Succeeded();

        var first = result.Json.GetProperty("issues")[0];
        Assert.Equal((_wrong, "lying"), (first.GetProperty("file").GetString(), first.GetProperty("suggested").GetString()));
        Assert.DoesNotContain("download", result.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("--margin", "2", 2, "--margin is '2', but must be a number from 0 to 1.")]
    [InlineData("--move-to", "images/aside", 1, "which is in the folder of images")]
    public void WhatCannotBeIsRefused(string option, string value, int exitCode, string message)
    {
        var result = Clean(option, option == "--move-to" ? _folder[value] : value);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(message, result.Error);
    }

    [Fact]
    public void AFolderAmongTheImagesIsRefusedBeforeTheyAreRead()
    {
        File.WriteAllText(_folder["images/lying/unreadable.png"], "no image");

        var result = Clean("--move-to", _folder["images/aside"]);

        Assert.Contains("which is in the folder of images", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    public void Dispose() => _folder.Dispose();

    private ProcessResult Clean(params string[] options) =>
        Resnet(["clean", _folder["images"], "--model", _folder["network.safetensors"], .. options]);

    private string[] Files() => [.. Directory.GetFiles(_folder["images"], "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
}
