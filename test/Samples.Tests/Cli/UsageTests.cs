using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

/// <summary>A command line that is wrong ends with exit code 2, before anything is done, in words of the command line.</summary>
public sealed class UsageTests
{
    private static readonly string[] Commands =
    [
        "train", "find-lr", "evaluate", "predict", "featurize", "similar", "report", "export", "quantize", "inspect", "weights", "recipe",
        "doctor",
    ];

    [Theory]
    [InlineData("'resnet predict' has no option '--foo'.", "predict", "m.zip", "--foo")]
    [InlineData("'resnet predict' has no option '--tpo'. Did you mean --top?", "predict", "m.zip", "images", "--tpo", "3")]
    [InlineData("'resnet train' has no option '--epoch'. Did you mean --epochs?", "train", "photos", "--epoch=3")]
    [InlineData("'resnet train' has no option '--epochz'.", "train", "--epochz")]
    [InlineData("'resnet' has no option '--foo'.", "--foo")]
    [InlineData("There is no command 'predicct'. Did you mean predict?", "predicct", "m.zip")]
    [InlineData("'b' is one argument more than 'resnet train' takes.", "train", "a", "b")]
    [InlineData("'resnet train' needs DATA: Folder of images", "train")]
    [InlineData("'resnet export' needs --output: ", "export", "m.zip")]
    [InlineData("--epochs needs a value.", "train", "photos", "--epochs")]
    [InlineData("--epochs is '0', but must be a whole number, at least 1.", "train", "photos", "--epochs", "0")]
    [InlineData("--epochs is 'x', but must be a whole number, at least 1.", "train", "photos", "--epochs", "x")]
    [InlineData("--batch-size is '1', but must be a whole number, at least 2.", "train", "photos", "--batch-size", "1")]
    [InlineData("--learning-rate is '0', but must be a number greater than 0.", "train", "photos", "--learning-rate", "0")]
    [InlineData("--threads is '0', but must be a whole number, at least 1.", "train", "photos", "--threads", "0")]
    [InlineData("--device is 'gpu', but must be auto, cpu, cuda, cuda:N", "train", "photos", "--device", "gpu")]
    [InlineData("--patience is '0', but must be a whole number, at least 1.", "train", "photos", "--patience", "0")]
    [InlineData("--max-minutes is '-1', but must be a number greater than 0.", "train", "photos", "--max-minutes", "-1")]
    [InlineData("--arch is 'resnet19', but there is no such network. Did you mean resnet18", "train", "photos", "--arch", "resnet19")]
    [InlineData("--recipe is 'nope', but must be modern, fast, paper", "train", "photos", "--recipe", "nope")]
    [InlineData("There is no recipe 'modem'. Did you mean modern?", "recipe", "modem")]
    [InlineData("--layers is 'heads', but must be All, LastStage or Head. Did you mean Head?", "train", "photos", "--layers", "heads")]
    [InlineData("--balance is 'weigths', but must be", "train", "photos", "--balance", "weigths")]
    [InlineData("--preprocessing is 'imagenet', but must be", "predict", "m.zip", "images", "--preprocessing", "imagenet")]
    [InlineData("--image-size is 3, but resnet20 needs images of at least 4 pixels.", "train", "photos", "--arch", "resnet20",
        "--image-size", "3")]
    [InlineData("--image-size is 20, but resnet50 needs images of at least 32 pixels.", "find-lr", "photos", "--arch", "resnet50",
        "--image-size", "20")]
    [InlineData("--image-size is '0', but must be a whole number", "doctor", "--image-size", "0")]
    [InlineData(
        "--port is '70000', but must be a whole number from 0 to 65535; 0 takes a free port.", "studio", "photos", "--port", "70000")]
    [InlineData("--host is 'here', but must be an IP address", "studio", "photos", "--host", "here")]
    [InlineData("--mistakes is '-1', but must be a whole number, at least 0.", "report", "m.zip", "photos", "--mistakes", "-1")]
    [InlineData("--output is 'ft.bin', but must end in .onnx or .safetensors", "export", "m.zip", "-o", "ft.bin")]
    [InlineData("--output is 'ft.txt', but must end in .parquet or .csv", "featurize", "m.zip", "images", "-o", "ft.txt")]
    [InlineData("--output is 'q.bin', but must end in .zip or .onnx", "quantize", "m.zip", "images", "-o", "q.bin")]
    [InlineData("holds weights alone", "export", "m.zip", "-o", "ft.safetensors", "--logits")]
    [InlineData("--top is 'x', but must be a whole number, at least 1.", "predict", "m.zip", "images", "--top", "x")]
    [InlineData("--max-pixels is '0', but must be a whole number from 1 to 536870911.", "evaluate", "m.zip", "photos", "--max-pixels", "0")]
    [InlineData("--percentile is '101', but must be a number greater than 0, and at most 100.", "quantize", "m.zip", "images", "-o",
        "q.zip", "--percentile", "101")]
    [InlineData("--validation is '1.5', but must be a folder, or a share", "train", "photos", "--validation", "1.5")]
    [InlineData("--reject-unknown is '1', but must be a number greater than 0 and less than 1", "train", "photos", "--reject-unknown", "1")]
    [InlineData(
        "--patience, --calibrate and --reject-unknown need validation images", "train", "photos", "--validation", "0", "--patience", "3")]
    [InlineData("--more-epochs starts from the weights of the finished model", "train", "photos", "--more-epochs", "3", "--epochs", "2")]
    [InlineData("--report needs --test", "train", "photos", "--report", "r.html")]
    public void WhatIsWrongIsSaidInTheWordsOfTheOption(string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var run = SharedTool.Run(arguments, folder: folder.Path);

        Assert.Contains(message, run.Error);
        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        Assert.DoesNotMatch(@"\(Parameter|Actual value|System\.|Nullable|   at |Failed to bind", run.Error);
    }

    [Fact]
    public void WithoutACommandItPrintsHelp()
    {
        var alone = ResnetAlone().Succeeded();

        Assert.Equal(ResnetAlone("--help").Succeeded().Output, alone.Output);
        Assert.All(Commands, command => Assert.Matches($@"(?m)^  {command}\b", alone.Output));
    }

    [Fact]
    public void HelpOfEachCommandNamesNoTypes() => Assert.All(Commands, command =>
    {
        var help = SharedTool.Run([command, "--help"]).Succeeded().Output;

        Assert.Contains($"resnet {command}", help);
        Assert.DoesNotContain("System.", help);
        Assert.DoesNotMatch("(?m)^  --[a-z-]+ +$", help); // an option without a description
    });
}
