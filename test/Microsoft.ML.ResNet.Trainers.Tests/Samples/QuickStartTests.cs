using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Samples;

public sealed partial class QuickStartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void LearnsTheShapesAndSavesAModelThatStandsAlone()
    {
        // Half as large as they are drawn: a quarter of the work.
        var (exitCode, output, error) = SampleProcess.RunSample(
            "QuickStart", "--image-size", "16", "--model", _folder["model.zip"], "--report", _folder["report.html"]);

        Assert.True(exitCode == 0, error + output);
        var accuracy = double.Parse(TestAccuracy().Match(output).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(accuracy > 95, $"test accuracy {accuracy} %");

        var circle = Directory.EnumerateFiles(Path.Combine(SampleProcess.Folder("QuickStart"), "shapes", "test", "circle")).First();
        var (consumeExitCode, consumed, _) = SampleProcess.RunSample("Consume", _folder["model.zip"], circle);
        Assert.Equal(0, consumeExitCode);
        Assert.Contains("circle", consumed.Split('\t')[1]);
    }

    [SkippableFact]
    public void OnTheUsersOwnFolderStoppedItWritesACheckpointAndTheSameCommandGoesOn()
    {
        Skip.If(OperatingSystem.IsWindows(), "Sends a signal.");
        Pictures.Write(_folder["images"], perClass: 12, height: 40, width: 50);
        string[] arguments =
        [
            "--data", _folder["images"], "--epochs", "20", "--image-size", "24", "--arch", "plain20",
            "--model", _folder["own/model.zip"], "--report", _folder["own/report.html"], "--checkpoints", _folder["checkpoints"],
        ];

        var (exitCode, output, error) = SampleProcess.Interrupt(
            "dotnet", [SampleProcess.Assembly("QuickStart"), .. arguments], () =>
                Directory.Exists(_folder["checkpoints"]) && Directory.EnumerateFiles(_folder["checkpoints"], "*.safetensors").Any());
        Assert.True(exitCode == 130, $"exit code {exitCode}: {error}{output}");
        Assert.Contains("The same command goes on", output);
        Assert.False(File.Exists(_folder["own/model.zip"]));

        (exitCode, output, error) = SampleProcess.RunSample("QuickStart", arguments);
        Assert.True(exitCode == 0, error + output);
        Assert.True(File.Exists(_folder["own/model.zip"]));
        Assert.Contains("lying", File.ReadAllText(_folder["own/report.html"]));
    }

    // What else is wrong: Samples.Tests.
    [Fact]
    public void SaysInALineThatThereIsNoSuchFolder()
    {
        var (exitCode, _, error) = SampleProcess.RunSample(
            "QuickStart", "--data", "no/such/folder", "--model", _folder["model.zip"], "--report", _folder["report.html"]);

        Assert.Equal(1, exitCode);
        Assert.Contains("There is no image folder 'no/such/folder'", error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void FindsBeforeTrainingThatTheModelCannotBeWritten()
    {
        File.WriteAllText(_folder["file"], "");

        var (exitCode, output, _) = SampleProcess.RunSample(
            "QuickStart", "--model", _folder["file/model.zip"], "--report", _folder["report.html"]);

        Assert.Equal(1, exitCode);
        Assert.DoesNotContain("Drew", output);
    }

    [GeneratedRegex(@"Test accuracy ([\d.]+)\s*%")]
    private static partial Regex TestAccuracy();
}
