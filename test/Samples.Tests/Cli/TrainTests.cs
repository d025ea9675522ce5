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
            "train", _folder["images"], "-o", _folder["model.zip"], "--arch", "plain20", "--image-size", "16", "--epochs", "2",
            "--batch-size", "8",
            "--test", _folder["test"], "--report", _folder["report.html"], "--log", _folder["log"], "--json").Succeeded();

        var result = run.Json;
        Assert.Equal(
            ("plain20", 2, 1),
            (
                result.GetProperty("architecture").GetString(),
                result.GetProperty("epochs").GetInt32(),
                result.GetProperty("skippedImages").GetInt32()));
        Assert.Equal(["diagonal", "lying", "standing"], result.GetProperty("classes").EnumerateArray().Select(each => each.GetString()));
        Assert.InRange(result.GetProperty("testAccuracy").GetDouble(), 0, 1);
        Assert.Contains("epoch 2/2: loss", run.Error);
        Assert.Contains("1 image could not be read, and is left out. Image '", run.Error);
        Assert.Contains("bad.png", run.Error);
        Assert.Contains("lying", File.ReadAllText(_folder["report.html"]));
        Assert.True(File.Exists(Path.Combine(_folder["log"], "history.csv")));
        Assert.False(Directory.Exists(_folder["model.zip.checkpoints"]));

        var tested = Resnet("evaluate", _folder["model.zip"], _folder["test"], "--json").Succeeded().Json;
        Assert.Equal(result.GetProperty("testAccuracy").GetDouble(), tested.GetProperty("accuracy").GetDouble(), 1e-9);

        var card = Resnet("inspect", _folder["model.zip"], "--card").Succeeded().Output;
        Assert.StartsWith("# Model card\n", card, StringComparison.Ordinal);
        Assert.Contains("| Network | plain20 |", card);
        Assert.Contains("\"Epochs\": 2", card);
        Resnet("quantize", _folder["model.zip"], _folder["test"], "-o", _folder["small.zip"]).Succeeded();
        Assert.Equal(card, Resnet("inspect", _folder["small.zip"], "--card").Succeeded().Output);
    }

    [Fact]
    public void ManySmallImagesLearnFromNothingAndThatIsSaid()
    {
        var (image, copies) = (Directory.GetFiles(_folder["images"], "*.png", SearchOption.AllDirectories)[0], 5_000 - 36);
        for (var copy = 0; copy < copies; copy++)
        {
            File.Copy(image, Path.Combine(Path.GetDirectoryName(image)!, $"copy {copy}.png"));
        }

        string[] quick = ["--epochs", "1", "--image-size", "8", "--validation", "0", "--json"];
        var run = Resnet(["train", _folder["images"], "-o", _folder["model.zip"], .. quick]).Succeeded();

        Assert.Equal("resnet20", run.Json.GetProperty("architecture").GetString());
        Assert.Contains(
            "5,000 images of about 16 pixels a side are small and many: a network for small images learns from nothing.", run.Error);
    }

    [Fact]
    public void FewSmallImagesStartFromAPretrainedNetworkAndThatIsSaid()
    {
        string[] quick = ["--epochs", "1", "--validation", "0", "--json"];
        var run = Resnet(["train", _folder["images"], "-o", _folder["model.zip"], .. quick]).Succeeded();

        Assert.Equal("resnet18 with 2, 2, 2, 3 blocks", run.Json.GetProperty("architecture").GetString());
        Assert.Contains(
            "36 images of about 16 pixels a side are too few to learn from nothing: training starts from resnet18", run.Error);
    }

    [Theory]
    [InlineData]
    [InlineData("--pretrained")]
    public void PhotographsStartFromAPretrainedNetwork(params string[] asked)
    {
        Pictures.Write(_folder["photos"], perClass: 4, height: 130, width: 150);

        string[] quick = ["--layers", "Head", "--epochs", "2", "--validation", "0", "--json"];
        var run = Resnet(["train", _folder["photos"], "-o", _folder["model.zip"], .. quick, .. asked]).Succeeded();

        Assert.Equal("resnet18 with 2, 2, 2, 3 blocks", run.Json.GetProperty("architecture").GetString());
        const string reason = "12 photographs of about 130 pixels a side: training starts from resnet18";
        Assert.Equal(asked.Length == 0, run.Error.Contains(reason, StringComparison.Ordinal));
        var inspected = Resnet("inspect", _folder["model.zip"], "--json").Succeeded().Json;
        Assert.Equal("resnet18 with 2, 2, 2, 3 blocks", inspected.GetProperty("architecture").GetString());
        Assert.Equal(12, Resnet("predict", _folder["model.zip"], _folder["photos"], "--json").Succeeded().Json.GetArrayLength());
    }

    [Fact]
    public void PhotographsOfOneClassAreRefusedBeforeAWordAboutTheirStart()
    {
        Pictures.Write(_folder["photos"], perClass: 4, height: 130, width: 150);
        foreach (var other in Directory.GetDirectories(_folder["photos"]).Order().Skip(1))
        {
            Directory.Delete(other, recursive: true);
        }

        var run = Resnet("train", _folder["photos"], "-o", _folder["model.zip"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("has images of one class only", run.Error);
        Assert.DoesNotContain("training starts", run.Error);
    }

    [Fact]
    public void PretrainedWeightsAreNotThereWithOthers()
    {
        var run = Resnet("train", _folder["images"], "--pretrained", "resnet18", "--arch", "resnet20");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--pretrained says which network it is: leave out --weights and --arch.", run.Error);
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

    [Fact]
    public void ATestImageThatCannotBeReadIsNamedBeforeTrainingAndLeftOut()
    {
        Pictures.Write(_folder["test"], perClass: 3, height: 16, width: 16, seed: 2);
        File.WriteAllText(Path.Combine(_folder["test"], "lying", "bad.png"), "no image");

        var run = Train("--test", _folder["test"], "--report", _folder["report.html"], "--json").Succeeded();

        Assert.True(run.Error.IndexOf("bad.png", StringComparison.Ordinal) < run.Error.IndexOf("epoch 1/1", StringComparison.Ordinal),
            run.Error);
        Assert.Equal((9, 1), (run.Json.GetProperty("testImages").GetInt32(), run.Json.GetProperty("skippedTestImages").GetInt32()));
        Assert.True(File.Exists(_folder["report.html"]));

        var failed = Train("--test", _folder["test"], "--on-bad-image", "fail");
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("bad.png", Assert.Single(failed.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Theory]
    [InlineData("--test", "other", "Its classes are: diagonal, lying, standing. Those of the folder are: diagonal, running, standing.")]
    [InlineData("--validation", "other", "has a class 'running' that ")]
    [InlineData("--test", "empty", "has no sub-folder with images")]
    [InlineData("--validation", "empty", "has no sub-folder with images")]
    [InlineData("--test", "missing", "There is no image folder '")]
    [InlineData("--test", "photo.jpg", "is a file, but must be a folder with a sub-folder of images for each class.")]
    [InlineData("--test", "missing.csv", "There is no CSV file '")]
    [InlineData("--preview", "missing/batch.png", "there is no folder")]
    public void WhatIsWrongWithTheOtherImagesIsSaidBeforeTraining(string option, string folder, string message)
    {
        Directory.CreateDirectory(_folder["empty"]);
        File.WriteAllBytes(_folder["photo.jpg"], []);
        Pictures.Write(_folder["other"], perClass: 3, height: 16, width: 16, seed: 2);
        Directory.Move(Path.Combine(_folder["other"], "lying"), Path.Combine(_folder["other"], "running"));

        var run = Train(option, _folder[folder], "-o", _folder["model.zip"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(message, Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.False(File.Exists(_folder["model.zip"]));
        Assert.False(Directory.Exists(_folder["model.zip.checkpoints"]));
    }

    [Theory]
    [InlineData("""{ "Epoch": 3 }""", "is no recipe: no recipe has a property 'Epoch'. 'resnet recipe modern' prints one.")]
    [InlineData("""{ "Epochs": "three" }""", "is no recipe: 'Epochs', in line 1, has a value of another kind.")]
    [InlineData("Epochs: 3", "is no recipe: line 1 is no JSON.")]
    [InlineData("null", "is no recipe: it is no JSON object.")]
    [InlineData("""{ "Momentum": 1 }""", "Momentum of the training recipe must be")]
    public void ARecipeThatIsNoneIsSaidInALine(string json, string message)
    {
        File.WriteAllText(_folder["recipe.json"], json);

        var run = Resnet("train", _folder["images"], "--recipe", _folder["recipe.json"], "-o", _folder["model.zip"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(message, Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void TrainingThatLearnedNothingIsSaidSo()
    {
        var run = Train("--learning-rate", "1000", "--json").Succeeded();

        Assert.Contains("The network never became clearly better than chance", run.Error);
        Assert.Contains("smaller learning rate", run.Json.GetProperty("noBetterThanChance").GetString());
    }

    [Fact]
    public void AFinishedModelIsTrainedForMoreEpochs()
    {
        Train("-o", _folder["model.zip"]).Succeeded();
        string[] more = ["train", _folder["images"], "-o", _folder["model.zip"], "--more-epochs", "2", "--batch-size", "8",
            "--learning-rate", "1e-9"];
        var before = ResNetWeights.Load(_folder["model.zip"]);

        var run = Resnet(more).Succeeded();

        Assert.Contains($"Goes on from the weights of '{_folder["model.zip"]}', for 2 more epochs.", run.Error);
        Assert.Contains("epoch 2/2", run.Error);
        var after = ResNetWeights.Load(_folder["model.zip"]);
        Assert.Equal("plain20", after.ArchitectureName);
        Assert.All(before["conv1.weight"].Values.ToArray().Zip(after["conv1.weight"].Values.ToArray()), pair =>
            Assert.Equal(pair.First, pair.Second, 1e-4));

        Directory.Move(Path.Combine(_folder["images"], "lying"), Path.Combine(_folder["images"], "running"));
        var refused = Resnet(more);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("The model's classes are diagonal, lying, standing, but those of '", refused.Error);
        Assert.Contains("There is no model", Resnet("train", _folder["images"], "-o", _folder["none.zip"], "--more-epochs", "2").Error);
    }

    [Fact]
    public void ARunThatGoesOnSaysFromWhere()
    {
        Train("--checkpoints", _folder["checkpoints"]).Succeeded();

        var finished = Train("--checkpoints", _folder["checkpoints"]).Succeeded();
        var other = Train("--checkpoints", _folder["checkpoints"], "--epochs", "2");

        Assert.Contains("Goes on from step ", finished.Error);
        Assert.Contains("All epochs were done before", finished.Error);
        Assert.Equal(1, other.ExitCode);
        Assert.Contains(
            "--epochs is 2, was 1. "
            + "Restore what was changed, give another --checkpoints, or set --resume to Never to start anew. "
            + "To train a finished model for more epochs, give --more-epochs.",
            other.Error);
        Assert.DoesNotContain(" Resume", other.Error);
    }

    [Fact]
    public void RequiredLeavesNoEmptyFolder()
    {
        var run = Train("-o", _folder["model.zip"], "--resume", "Required");
        var named = Train("--checkpoints", _folder["checkpoints"], "--resume", "required");

        Assert.Equal((1, 1), (run.ExitCode, named.ExitCode));
        Assert.Contains($"There is no checkpoint in '{_folder["checkpoints"]}' to go on from, but --resume is Required.", named.Error);
        Assert.False(Directory.Exists(_folder["model.zip.checkpoints"]));
        Assert.False(Directory.Exists(_folder["checkpoints"]));
    }

    [Fact]
    public void ThreadsPatienceBalanceAndAShareToValidateOnAreTaken()
    {
        var run = Train("--epochs", "40", "--threads", "1", "--patience", "1", "--balance", "sampling", "--validation", "0.25",
            "--preview", _folder["batch.png"], "--json").Succeeded();

        Assert.Equal((27, 9), (run.Json.GetProperty("trainingImages").GetInt32(), run.Json.GetProperty("validationImages").GetInt32()));
        Assert.Contains("Validation did not become better for 1 epochs", run.Json.GetProperty("stoppedEarly").GetString());
        using var sheet = Microsoft.ML.Data.MLImage.CreateFromFile(_folder["batch.png"]);
        Assert.True(sheet.Width > 100);
    }

    [Fact]
    public void ALearningRateIsSearchedFor()
    {
        var search = Resnet("find-lr", _folder["images"], "--arch", "plain20", "--image-size", "16", "--batch-size", "8", "--steps", "30",
            "--json").Succeeded().Json;

        Assert.InRange(search.GetProperty("suggested").GetDouble(), 1e-8, 10);
        Assert.Equal(search.GetProperty("rates").GetArrayLength(), search.GetProperty("losses").GetArrayLength());
    }

    [SkippableFact]
    public void OnATerminalEpochsStayAboveTheBar()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "Needs script(1), which makes a terminal.");
        var command = string.Join(' ', ((string[])["dotnet", SampleProcess.Assembly("Cli", "resnet"), "train", _folder["images"], "--arch",
            "plain20", "--image-size", "16",
            "--epochs", "3", "--batch-size", "8", "-o", _folder["model.zip"]]).Select(word => $"'{word}'"));

        var screen = SampleProcess.Run("/usr/bin/script", ["-qec", command, "/dev/null"],
            environment: [("TERM", "xterm-256color")]).Succeeded().Output;

        // Each stands on a line that nothing is written over: a line end follows it, and not a bar.
        Assert.All(Enumerable.Range(1, 3), epoch => Assert.Matches($@"epoch {epoch}/3: loss [^\r\n━]*images/s *\r?\n", screen));
        Assert.Contains("━", screen);
    }

    [SkippableFact]
    public void CtrlCLeavesACheckpointAndTheSameCommandGoesOn()
    {
        Skip.If(OperatingSystem.IsWindows(), "Sends SIGINT.");
        string[] arguments = [SampleProcess.Assembly("Cli", "resnet"), "train", _folder["images"], "-o", _folder["model.zip"], "--arch",
            "plain20", "--image-size", "16", "--epochs", "1000", "--batch-size", "8"];
        var checkpoints = _folder["model.zip.checkpoints"];

        var stopped = SampleProcess.Interrupt(
            "dotnet", arguments, () => Directory.Exists(checkpoints) && Directory.EnumerateFiles(checkpoints, "*.safetensors").Any());

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

        var result = SampleProcess.Run(
            "dotnet",
            [SampleProcess.Assembly("Cli", "resnet"), "train", _folder["images"], "-o", _folder["model.zip"]],
            environment: nowhere);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(
            "dotnet package download libtorch-cpu-", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    private ProcessResult Train(params string[] arguments)
    {
        string[] epochs = arguments.Contains("--epochs") ? [] : ["--epochs", "1"];
        string[] quick = ["train", _folder["images"], "--arch", "plain20", "--image-size", "16", "--batch-size", "8", .. epochs];
        return SharedTool.RunFirstAlone([.. quick, .. arguments], folder: _folder.Path);
    }

    public void Dispose() => _folder.Dispose();
}
