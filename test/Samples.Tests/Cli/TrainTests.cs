using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class TrainTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TrainTests() => Pictures.Write(_folder["images"], perClass: 12, height: 16, width: 16);

    [Fact]
    public void AModelIsTrainedTestedSavedAndReportedOn()
    {
        File.WriteAllText(Path.Combine(_folder["images"], "lying", "bad.png"), "no image");
        Pictures.Write(_folder["test"], perClass: 3, height: 16, width: 16, seed: 2);

        var run = Resnet(
            "train", _folder["images"], "-o", _folder["model.zip"], "--arch", "plain20", "--image-size", "16", "--epochs", "2", "--batch-size", "8",
            "--test", _folder["test"], "--report", _folder["report.html"], "--log", _folder["log"], "--json").Succeeded();

        var result = run.Json;
        Assert.Equal(("plain20", 2, 1), (result.GetProperty("architecture").GetString(), result.GetProperty("epochs").GetInt32(), result.GetProperty("skippedImages").GetInt32()));
        Assert.Equal(["diagonal", "lying", "standing"], result.GetProperty("classes").EnumerateArray().Select(each => each.GetString()));
        Assert.InRange(result.GetProperty("testAccuracy").GetDouble(), 0, 1);
        Assert.Contains("epoch 2/2: loss", run.Error);
        Assert.Contains("1 images could not be read", run.Error);
        Assert.Contains("lying", File.ReadAllText(_folder["report.html"]));
        Assert.True(File.Exists(Path.Combine(_folder["log"], "history.csv")));
        Assert.False(Directory.Exists(_folder["model.zip.checkpoints"]));

        var tested = Resnet("evaluate", _folder["model.zip"], _folder["test"], "--json").Succeeded().Json;
        Assert.Equal(result.GetProperty("testAccuracy").GetDouble(), tested.GetProperty("accuracy").GetDouble(), 1e-9);
    }

    [Fact]
    public void AFolderOfTheUsersThatIsNamedLikeTheCheckpointsStays()
    {
        Directory.CreateDirectory(_folder["model.zip.checkpoints"]);
        var notes = Path.Combine(_folder["model.zip.checkpoints"], "notes.txt");
        File.WriteAllText(notes, "mine");

        var run = Train("-o", _folder["model.zip"]).Succeeded();

        Assert.Equal("mine", File.ReadAllText(notes));
        Assert.Contains("Checkpoints are left in", run.Error);
    }

    [Fact]
    public void ThroughALinkTheTargetIsWrittenAndWhatWasPutBesideCheckpointsStays()
    {
        Directory.CreateDirectory(_folder["far"]);
        Directory.CreateDirectory(_folder["link.zip.checkpoints"]);
        File.WriteAllText(Path.Combine(_folder["link.zip.checkpoints"], "made-by-resnet-train"), "");
        File.WriteAllText(Path.Combine(_folder["link.zip.checkpoints"], "checkpoint-mine.safetensors"), "mine");
        File.CreateSymbolicLink(_folder["link.zip"], Path.Combine("far", "model.zip"));

        Train("-o", _folder["link.zip"]).Succeeded();

        Assert.True(new FileInfo(Path.Combine(_folder["far"], "model.zip")).Length > 1000);
        Assert.NotNull(new FileInfo(_folder["link.zip"]).LinkTarget);
        var left = Directory.GetFiles(_folder["link.zip.checkpoints"]).Select(Path.GetFileName).Order();
        Assert.Equal(["checkpoint-mine.safetensors", "made-by-resnet-train"], left);
    }

    [SkippableFact]
    public void WhereNoModelCanBeWrittenNothingIsTrained()
    {
        Skip.IfNot(Directory.Exists("/proc/self"), "There is no /proc.");

        var run = Train("-o", "/proc/model.zip", "--checkpoints", _folder["checkpoints"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("'/proc/model.zip' cannot be written", Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.False(Directory.Exists(_folder["checkpoints"]));
    }

    [Fact]
    public void AnEmptyNameIsTheOptionsFault()
    {
        var run = Train("-o", "");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("-o is empty, but needs the name of a file", run.Error);
    }

    [SkippableTheory]
    [InlineData("-o")]
    [InlineData("--recipe")]
    [InlineData("--weights")]
    public void APipeIsRefusedAndNotWaitedFor(string option)
    {
        var pipe = Fifo.Make(_folder["pipe"]);

        var run = Train(option, pipe);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("a pipe or a device", run.Error);
        Assert.True(File.Exists(pipe));
    }

    [SkippableFact]
    public void CtrlCLeavesACheckpointAndTheSameCommandGoesOn()
    {
        Skip.If(OperatingSystem.IsWindows(), "Sends SIGINT.");
        string[] arguments = [SampleProcess.Assembly("Cli", "resnet"), "train", _folder["images"], "-o", _folder["model.zip"], "--arch", "plain20", "--image-size", "16", "--epochs", "1000", "--batch-size", "8"];
        var checkpoints = _folder["model.zip.checkpoints"];

        var stopped = SampleProcess.Interrupt("dotnet", arguments, () => Directory.Exists(checkpoints) && Directory.EnumerateFiles(checkpoints, "*.safetensors").Any());

        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains($"The same command goes on from the checkpoint in '{checkpoints}'.", stopped.Error);
        Assert.False(File.Exists(_folder["model.zip"]));

        var resumed = SampleProcess.Run("dotnet", [.. arguments, "--max-minutes", "0.01", "--json"]).Succeeded();
        Assert.DoesNotContain("epoch 1/", resumed.Error);
        Assert.True(File.Exists(_folder["model.zip"]));
    }

    [Fact]
    public void TestingAsTheSavedModelReadsIsNotMixedWithTurningPhotographs()
    {
        var result = Resnet("train", "photos", "--test", "photos", "--exif-orientation");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("leave out --exif-orientation, or test with 'resnet evaluate --exif-orientation'", result.Error);
    }

    [Fact]
    public void WithoutLibtorchALineSaysWhatToInstall()
    {
        (string, string?)[] nowhere = [("NUGET_PACKAGES", _folder["none"]), ("RESNET_LIBTORCH", null)];

        var result = SampleProcess.Run("dotnet", [SampleProcess.Assembly("Cli", "resnet"), "train", _folder["images"], "-o", _folder["model.zip"]], environment: nowhere);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("dotnet package download libtorch-cpu-", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    private ProcessResult Train(params string[] arguments)
    {
        string[] quick = ["train", _folder["images"], "--arch", "plain20", "--image-size", "16", "--epochs", "1", "--batch-size", "8"];
        return SampleProcess.Run("dotnet", [SampleProcess.Assembly("Cli", "resnet"), .. quick, .. arguments], folder: _folder.Path);
    }

    public void Dispose() => _folder.Dispose();
}
