using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests;

public sealed partial class SmallSampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void FeaturizeComparesTwoTrainersOnTheSameFeatures()
    {
        DrawShadesOfGrey(_folder["images"], perClass: 40);
        Cli.CliFixture.Untrained.Save(_folder["network.safetensors"]);

        var lines = Run("Featurize", "--data", _folder["images"], "--weights", _folder["network.safetensors"]).Lines;

        Assert.Equal("trainer\taccuracy\tlog-loss\tseconds", lines[0]);
        Assert.Equal(["SDCA", "LightGBM"], lines[1..].Select(line => line.Split('\t')[0]));
        Assert.All(lines[1..], line => Assert.True(Percent(line) > 90, line)); // even the features of random filters tell black from white
    }

    [Fact]
    public void CrossValidationTestsEveryFold()
    {
        Pictures.Write(_folder["images"], perClass: 20, height: 16, width: 16);

        var lines = Run("CrossValidation", "--data", _folder["images"], "--image-size", "16", "--folds", "3", "--epochs", "1").Lines;

        var folds = lines.Where(line => line.StartsWith("fold ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["fold 1", "fold 2", "fold 3"], folds.Select(line => line.Split(':')[0]));
        Assert.Equal(folds.Average(Percent), Percent(lines[^1]), tolerance: 0.011);
    }

    [Fact]
    public void WrongLabelsFindsTheLabelsThatItTurned()
    {
        DrawShadesOfGrey(_folder["images"], perClass: 40);
        Cli.CliFixture.Untrained.Save(_folder["network.safetensors"]);

        var lines = Run(
            "WrongLabels",
            "--data", _folder["images"], "--weights", _folder["network.safetensors"], "--report", _folder["labels.html"]).Lines;

        Assert.StartsWith("120 images, 6 labels turned;", lines[0], StringComparison.Ordinal);
        Assert.Equal("taken\tfound\tprecision\trecall\tright suggestions", lines[1]);
        Assert.EndsWith("\t100.0%\t100.0%", lines[2].Replace(" %", "%", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.True(File.Exists(_folder["labels.html"]));
    }

    [Fact]
    public void UnknownImagesCountsWhatTheSavedModelRejects()
    {
        Pictures.Write(_folder["images"], perClass: 20, height: 16, width: 16);

        var lines = Run(
            "UnknownImages", "--data", _folder["images"], "--test", _folder["images"], "--image-size", "16", "--epochs", "2",
            "--learning-rate", "0.05", "--output", _folder["model.zip"]).Lines;

        Assert.Matches(@"^temperature [0-9.]+; unknown, unless a probability is above [01]\.[0-9]+$", lines[0]);
        Assert.Matches("^60 test images: [0-9.]+ ?% rejected, which is false; accuracy", lines[1]);
        Assert.Matches("^2,000 images of no class: [0-9.]+ ?% rejected$", lines[2]);
        Assert.True(File.Exists(_folder["model.zip"]));
    }

    [Fact]
    public void AnExportedNetworkScoresTheSameThroughApplyOnnxModel()
    {
        Pictures.Write(_folder["images"], perClass: 12, height: 40, width: 50);

        var output = Run(
            "ExportToOnnx", "--data", _folder["images"], "--image-size", "16", "--epochs", "1", "--output", _folder["network.onnx"]).Output;

        Assert.Contains("Largest difference of a probability", output);
        Assert.True(File.Exists(_folder["network.onnx"]));
    }

    [Fact]
    public void GrayscaleTrainsOnPixelsFromACsvFile()
    {
        var lines = Pictures.Rows(perClass: 20, height: 12, width: 12, channels: 1)
            .Select(row => $"{row.Name},{string.Join(',', row.Bytes)}");
        File.WriteAllLines(_folder["pixels.csv"], lines.Prepend("label,pixels"));

        var output = Run("Grayscale", "--data", _folder["pixels.csv"], "--header", "--size", "12", "--epochs", "2").Output;

        Assert.Matches("test accuracy [0-9.]+ %, log-loss", output);
    }

    [Fact]
    public void InMemoryTrainsOnRowsAndClassifiesAStream()
    {
        string[] arguments = ["--database", _folder["pictures.db"], "--per-class", "6", "--epochs", "1", "--model", _folder["model.zip"]];

        var first = Run("InMemory", arguments);
        var again = Run("InMemory", arguments);

        Assert.Contains("rows of the database: accuracy", first.Output);
        Assert.Contains("it is arrow", again.Output); // the first picture drawn, read back
        Assert.True(File.Exists(_folder["model.zip"]));
    }

    [Fact]
    public void InMemoryNamesTheFileThatIsNoDatabase()
    {
        File.WriteAllText(_folder["pictures.db"], new string('x', 5000));

        var result = SampleProcess.RunSample("InMemory", "--database", _folder["pictures.db"], "--model", _folder["model.zip"]);

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"'{_folder["pictures.db"]}' has no pictures that can be read: ", result.Error, StringComparison.Ordinal);
    }

    // ML.NET's own trainers say "Must be at least 2.", once all images went through the network.
    [Theory]
    [InlineData("Featurize")]
    [InlineData("WrongLabels")]
    public void ImagesOfOneClassAreRefusedByItsName(string sample)
    {
        DrawShadesOfGrey(_folder["images"], perClass: 4);
        Directory.CreateDirectory(_folder["deep"]);
        Directory.Move(_folder["images"], _folder["deep/train"]); // a folder too many

        var result = SampleProcess.RunSample(sample, "--data", _folder["deep"]);

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Equal(
            $"Label column 'Label' has one class only, 'train', for all {4 * Pictures.ClassNames.Length} images of '{_folder["deep"]}', "
            + "but a classifier needs at least two. Each sub-folder is a class: give --data a folder that has two or more.",
            result.Error.TrimEnd());
    }

    [Theory]
    [InlineData("ExportToOnnx", "--output")]
    [InlineData("InMemory", "--model")]
    [InlineData("TransferLearning", "--model")]
    [InlineData("WrongLabels", "--report")]
    public void WhereNoFileCanBeWrittenIsSaidBeforeTraining(string sample, string option)
    {
        string[] arguments = sample == "InMemory" ? ["--database", _folder["pictures.db"]] : ["--data", _folder["missing"]];

        var result = SampleProcess.RunSample(sample, [.. arguments, option, _folder.Path]);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(
            $"{option} is '{_folder.Path}', but no file can be written there: it is a folder.", result.Error.TrimEnd());
        Assert.False(File.Exists(_folder["pictures.db"]));
    }

    [Fact]
    public void GrayscaleRefusesRowsOfAnotherSize()
    {
        File.WriteAllLines(_folder["pixels.csv"], ["one,0,1,2,3", "two,3,2,1,0"]);

        var result = SampleProcess.RunSample("Grayscale", "--data", _folder["pixels.csv"], "--size", "16");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith(
            $"The first row of '{_folder["pixels.csv"]}' has 4 pixels, but images of --size 16 have 256: ",
            result.Error,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TransferLearning")]
    [InlineData("UnknownImages")]
    public void TestImagesOfOtherClassesAreRefusedBeforeTraining(string sample)
    {
        DrawShadesOfGrey(_folder["images"], perClass: 2);
        DrawShadesOfGrey(_folder["others/birds"], perClass: 2);
        foreach (var (name, other) in Pictures.ClassNames.Zip(["heron", "crane", "stork"]))
        {
            Directory.Move(_folder[$"others/birds/{name}"], _folder[$"others/birds/{other}"]);
        }

        var result = SampleProcess.RunSample(sample, "--data", _folder["images"], "--test", _folder["others/birds"]);

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith(
            "6 of 6 test images are of classes that the training images do not have, such as 'crane'; those have ",
            result.Error,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Featurize")]
    [InlineData("CrossValidation")]
    [InlineData("ExportToOnnx")]
    [InlineData("Grayscale")]
    [InlineData("InMemory")]
    [InlineData("WrongLabels")]
    public void WhatIsWrongIsSaidInALine(string sample)
    {
        File.WriteAllText(_folder["text"], "nothing of the sort");
        string[] arguments = sample == "InMemory"
            ? ["--database", _folder["text"]]
            : sample == "Featurize" ? ["--weights", _folder["text"]] : ["--data", _folder["missing"]];

        var result = SampleProcess.RunSample(sample, arguments);

        Assert.Equal(1, result.ExitCode);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("--epochs is '0', but must be a whole number, at least 1.", "--epochs", "0")]
    [InlineData("--folds is '1', but must be a whole number, at least 2.", "--folds", "1")]
    [InlineData("Unrecognized command or argument '--fold'.", "--fold")]
    public void AnOptionThatIsWrongIsToldByItsName(string message, params string[] arguments)
    {
        var result = SampleProcess.RunSample("CrossValidation", arguments);

        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Equal([message, "--help lists the options."], result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Writes images of one shade each, which even the features of random filters tell apart.</summary>
    internal static void DrawShadesOfGrey(string folder, int perClass)
    {
        var random = new Random(1);
        foreach (var (label, name) in Pictures.ClassNames.Index())
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            for (var i = 0; i < perClass; i++)
            {
                var pixels = new byte[16 * 16 * 3];
                Array.Fill(pixels, (byte)(20 + 100 * label + random.Next(-10, 11)));
                using var image = Pictures.ToImage(pixels, height: 16, width: 16);
                image.Save(Path.Combine(folder, name, $"{i:d3}.png"));
            }
        }
    }

    // In a temporary folder of its own, which is empty when the sample has ended.
    private ProcessResult Run(string sample, params string[] arguments)
    {
        var temporary = Directory.CreateDirectory(_folder["temporary"]).FullName;
        var result = SampleProcess.Run(
            "dotnet", [SampleProcess.Assembly(sample), .. arguments], environment: [("TMPDIR", temporary), ("TMP", temporary)]).Succeeded();
        Assert.Empty(Directory.GetFileSystemEntries(temporary));
        return result;
    }

    private static double Percent(string line) => double.Parse(Share().Match(line).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"([0-9.]+) ?%")]
    private static partial Regex Share();
}
