using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests;

/// <summary>What can be checked is, before minutes are spent on training.</summary>
public sealed class QuickStartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public QuickStartTests() => Pictures.Write(_folder["images"], perClass: 6, height: 16, width: 16);

    [Theory]
    [InlineData(1, "--model is '", "--model", "FOLDER")]
    [InlineData(1, "--model is '', but no file can be written there: the name is empty.", "--model", "")]
    [InlineData(1, "--report is '", "--report", "FOLDER")]
    [InlineData(1, "has a class 'running' that --data", "--test", "OTHER")]
    [InlineData(1, "has no sub-folder with images", "--test", "EMPTY")]
    [InlineData(1, "--image-size is 3, but resnet20 needs images of at least 4 pixels.", "--image-size", "3")]
    [InlineData(2, "--epochs is '0', but must be a whole number, at least 1.", "--epochs", "0")]
    [InlineData(2, "--arch is 'resnet19', but must be one of resnet18", "--arch", "resnet19")]
    public void WhatIsWrongIsSaidBeforeTraining(int exitCode, string message, string option, string value)
    {
        Directory.CreateDirectory(_folder["empty"]);
        Pictures.Write(_folder["other"], perClass: 3, height: 16, width: 16);
        Directory.Move(Path.Combine(_folder["other"], "lying"), Path.Combine(_folder["other"], "running"));
        var given = value switch { "FOLDER" => _folder["empty"], "OTHER" => _folder["other"], "EMPTY" => _folder["empty"], _ => value };

        var run = Run(option, given);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(message, run.Error);
        Assert.DoesNotContain("(Parameter", run.Error);
        Assert.DoesNotContain("   at ", run.Error);
        Assert.DoesNotContain("epoch", run.Output);
    }

    [Fact]
    public void HelpFitsATerminal() =>
        Assert.All(SampleProcess.RunSample("QuickStart", "--help").Succeeded().Lines, line => Assert.InRange(line.Length, 0, 160));

    [Fact]
    public void ImagesThatCannotBeReadAreNamedAndClassNamesAreWhole()
    {
        File.WriteAllText(_folder["images/lying/unreadable.png"], "no image");
        Pictures.Write(_folder["test"], perClass: 3, height: 16, width: 16, seed: 2);
        File.WriteAllText(Path.Combine(_folder["test"], "lying", "bad.png"), "no image");

        var run = Run("--test", _folder["test"], "--epochs", "1", "--image-size", "16", "--model", _folder["model.zip"], "--report",
            _folder["report.html"]).Succeeded();

        Assert.Contains("bad.png", run.Error);
        Assert.Contains("unreadable.png", run.Error); // the trainer's warning
        Assert.Matches("is .. predicted +diagonal +lying +standing|is . predicted +diagonal +lying +standing", run.Output);
        Assert.True(File.Exists(_folder["model.zip"]));
        Assert.Matches($@"(?m)^Saved {Regex.Escape(_folder["model.zip"])}, [0-9,]+ KB\. .* see samples/Consume\.\r?$", run.Output);
    }

    public void Dispose() => _folder.Dispose();

    private ProcessResult Run(params string[] arguments) =>
        SampleProcess.Run("dotnet", [SampleProcess.Assembly("QuickStart"), "--data", _folder["images"], .. arguments],
            folder: _folder.Path);
}
