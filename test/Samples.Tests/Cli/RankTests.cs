using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

/// <summary>Two processes that mpirun starts, against one.</summary>
public sealed class RankTests(CliFixture fixture) : IClassFixture<CliFixture>
{
    [SkippableFact]
    public void PredictionsOfTwoRanksAreThoseOfOneProcess()
    {
        SkipWithoutMpirun();
        string[] arguments = ["predict", fixture.Safetensors, fixture.Images, fixture.File("missing.png"), "--csv", "--top", "2"];

        var (one, two) = (Resnet(arguments), TwoRanks(arguments));

        Assert.Equal((1, 1), (one.ExitCode, two.ExitCode)); // an image could not be read: by rank 1, since it is the last
        Assert.Contains("missing.png", two.Error);
        Assert.Equal(1 + 9 * 2, two.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(one.Output, two.Output);
    }

    [SkippableFact]
    public void FeaturesOfTwoRanksAreThoseOfOneProcess()
    {
        SkipWithoutMpirun();
        var (one, two) = (fixture.File("one.parquet"), fixture.File("two.parquet"));

        Resnet("featurize", fixture.Safetensors, fixture.Images, "-o", one).Succeeded();
        var result = TwoRanks("featurize", fixture.Safetensors, fixture.Images, "-o", two, "--json").Succeeded().Json;

        Assert.Equal((9, 0), (result.GetProperty("images").GetInt32(), result.GetProperty("failed").GetInt32()));
        Assert.Equal(File.ReadAllBytes(one), File.ReadAllBytes(two));
    }

    [SkippableFact]
    public void TwoRanksTrainAndTheFirstAlonePrintsAndSaves()
    {
        SkipWithoutMpirun();
        var model = fixture.File("of-two.zip");

        var run = TwoRanks(
            "train", fixture.Images, "-o", model, "--arch", "plain20", "--image-size", "16", "--epochs", "2", "--batch-size", "4",
            "--test", fixture.Images, "--report", fixture.File("report.html"), "--json").Succeeded();

        Assert.Equal((2, 9), (run.Json.GetProperty("epochs").GetInt32(), run.Json.GetProperty("testImages").GetInt32()));
        Assert.Equal(2, run.Error.Split("epoch 2/2: loss").Length); // told once
        Assert.True(File.Exists(fixture.File("report.html")));
        Assert.False(Directory.Exists($"{model}.checkpoints"));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(model)!, "*.tmp"));
        var accuracy = Resnet("evaluate", model, fixture.Images, "--json").Succeeded().Json.GetProperty("accuracy").GetDouble();
        Assert.Equal(run.Json.GetProperty("testAccuracy").GetDouble(), accuracy, 1e-9);
    }

    [SkippableTheory]
    [InlineData("--shard is for processes that do not know of each other", "--shard", "0/2")]
    [InlineData("An image on standard input (-) reaches rank 0 alone", "-")]
    [InlineData("finds 0 images and rank 0 finds 1, or they have other names", "--paths-from", "-")]
    public void WhatRanksCannotShareIsRefused(string message, params string[] arguments)
    {
        SkipWithoutMpirun();
        var input = System.Text.Encoding.UTF8.GetBytes(Directory.GetFiles(fixture.Images, "*.png", SearchOption.AllDirectories)[0]);
        string[] images = arguments[0] == "--shard" ? [fixture.Images] : [];

        var result = SampleProcess.Run("mpirun", [.. Launch, "predict", fixture.Safetensors, .. images, .. arguments], input);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(message, result.Error);
    }

    private static string[] Launch =>
    [
        "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "2",
        "dotnet", SampleProcess.Assembly("Cli", "resnet"),
    ];

    private static ProcessResult TwoRanks(params string[] arguments) => SampleProcess.Run("mpirun", [.. Launch, .. arguments]);

    private static void SkipWithoutMpirun()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Skip.IfNot(
            folders.Any(folder => File.Exists(Path.Combine(folder, "mpirun"))),
            "There is no mpirun: apt-get install openmpi-bin libopenmpi3.");
    }
}
