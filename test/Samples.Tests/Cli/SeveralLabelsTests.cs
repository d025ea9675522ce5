using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

/// <summary>Images with any number of labels, from a CSV file.</summary>
public sealed class SeveralLabelsTests : IDisposable
{
    private static readonly string[] Quick =
    [
        "--arch", "plain20", "--image-size", "16", "--epochs", "2", "--batch-size", "8", "--learning-rate", "0.01", "--validation", "0",
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly string _labels;

    public SeveralLabelsTests()
    {
        Pictures.Write(_folder["images"], perClass: 8, height: 16, width: 16);
        _labels = WriteList("labels.csv", "path,labels", image => image switch
        {
            ["diagonal", _] => "slanted| striped",
            ["lying", "000.png"] => "",
            ["lying", _] => "flat;striped",
            _ => "striped",
        });
    }

    [Fact]
    public void ANetworkIsTrainedTestedAndUsed()
    {
        var run = Resnet(
            ["train", _labels, "-o", _folder["model.zip"], "--test", _labels, "--report", _folder["report.html"], "--balance", "weights",
            .. Quick, "--json"]).Succeeded();

        Assert.Equal(["flat", "slanted", "striped"], run.Json.GetProperty("classes").EnumerateArray().Select(each => each.GetString()));
        Assert.True(run.Json.GetProperty("hasSeveralLabels").GetBoolean());
        Assert.Contains("id=\"labels\"", File.ReadAllText(_folder["report.html"]), StringComparison.Ordinal);

        var tested = Resnet("evaluate", _folder["model.zip"], _labels, "--json").Succeeded().Json;
        Assert.Equal(24, tested.GetProperty("images").GetInt32());
        Assert.Equal([7, 8, 23], tested.GetProperty("labels").EnumerateArray().Select(each => each.GetProperty("images").GetInt32()));

        Assert.Equal(
            run.Json.GetProperty("testMeanAveragePrecision").GetDouble(), tested.GetProperty("meanAveragePrecision").GetDouble(), 1e-6);
        Assert.Equal(run.Json.GetProperty("testAccuracy").GetDouble(), tested.GetProperty("exactMatches").GetDouble(), 1e-9);

        // The three probabilities of an image, and those of them that are above a threshold between the second and the third.
        var image = Path.Combine(_folder["images"], "diagonal", "000.png");
        var all = Predict(image, "--top", "3");
        Assert.Equal(3, all.Length);
        var threshold = (all[1].Probability + all[2].Probability) / 2;
        Assert.Equal(all[..2], Predict(image, "--threshold", threshold.ToString("r", System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(all.Where(each => each.Probability > 0.5), Predict(image));

        var none = Resnet("predict", _folder["model.zip"], image, "--threshold", "0.999999", "--csv").Succeeded().Output;
        Assert.Equal($"{image},,,", none.TrimEnd().Split('\n')[1].TrimEnd());
    }

    // Each label keeps a probability of its own: they do not add up to 1.
    [Fact]
    public void LabelsStayLabelsInWeightsAndUnderOtherNames()
    {
        Resnet(["train", _labels, "-o", _folder["model.zip"], .. Quick]).Succeeded();
        Resnet("export", _folder["model.zip"], "-o", _folder["model.safetensors"]).Succeeded();
        File.WriteAllLines(_folder["names.txt"], ["F", "S", "T"]);
        var image = Path.Combine(_folder["images"], "diagonal", "000.png");
        var expected = Predict(image, "--top", "3");

        var weights = PredictBy("model.safetensors", image, "--top", "3");
        var renamed = Predict(image, "--top", "3", "--classes", _folder["names.txt"]);

        Assert.Equal(expected.Select(each => each.Name), weights.Select(each => each.Name));
        Assert.All(expected.Zip(weights), pair => Assert.Equal(pair.First.Probability, pair.Second.Probability, 1e-5));
        Assert.All(expected.Zip(renamed), pair => Assert.Equal(pair.First.Probability, pair.Second.Probability, 1e-6));
        Assert.Equal(["F", "S", "T"], renamed.Select(each => each.Name).Order());
    }

    [Fact]
    public void AFolderIsNoTestOfLabelsNorAListOneOfClasses()
    {
        Resnet(["train", _labels, "-o", _folder["labels.zip"], .. Quick]).Succeeded();

        var folder = Resnet("evaluate", _folder["labels.zip"], _folder["images"]);
        var both = Resnet(["train", _folder["images"], "-o", _folder["model.zip"], "--test", _labels, .. Quick]);

        Assert.Equal(1, folder.ExitCode);
        Assert.Contains("is about images with any number of labels, but", folder.Error, StringComparison.Ordinal);
        Assert.Equal(1, both.ExitCode);
        Assert.Contains("is a list of images with any number of labels: give a folder", both.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "images/lying/000.png,flat\nimages/lying/7.jpg,flat",
        "Line 2 of '", "names the image 'images/lying/7.jpg', but there is no file '")]
    [InlineData(
        "images/lying/000.png,flat\nimages/lying/000.png,striped", "Line 2 of '", "as line 1 does: put all of its labels into one.")]
    [InlineData("images/lying/000.png,flat,striped", "Line 1 of '", "has 3 fields, but must have two")]
    [InlineData("path,labels\n", "has no line with an image.")]
    [InlineData("images/lying/000.png\nimages/lying/001.png", "No image of '", "has a label. A line is the path of an image, a comma,")]
    public void WhatIsWrongWithAListIsSaidByItsLine(string list, params string[] words)
    {
        File.WriteAllText(_folder["wrong.csv"], list);

        var result = Resnet(["train", _folder["wrong.csv"], "-o", _folder["model.zip"], .. Quick]);

        Assert.Equal(1, result.ExitCode);
        Assert.All(words, word => Assert.Contains(word, result.Error, StringComparison.Ordinal));
    }

    [Fact]
    public void WhatIsForOneClassOnlyIsRefused()
    {
        var unknown = Resnet("train", _labels, "-o", _folder["model.zip"], "--arch", "plain20", "--reject-unknown", "0.1");
        var sampling = Resnet(["train", _labels, "-o", _folder["model.zip"], "--balance", "sampling", .. Quick]);

        Assert.Equal(2, unknown.ExitCode);
        Assert.Contains("--reject-unknown is for images with one class each", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(2, sampling.ExitCode);
        Assert.Contains("--balance is Weights or None", sampling.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private (string? Name, double Probability)[] Predict(string image, params string[] options) =>
        PredictBy("model.zip", image, options);

    private (string? Name, double Probability)[] PredictBy(string model, string image, params string[] options) =>
    [
        .. Resnet(["predict", _folder[model], image, "--json", .. options]).Succeeded().Json[0].GetProperty("classes")
            .EnumerateArray().Select(each => (each.GetProperty("name").GetString(), each.GetProperty("probability").GetDouble())),
    ];

    private string WriteList(string name, string heading, Func<string[], string> labelsOf)
    {
        var images = Directory.GetFiles(_folder["images"], "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        File.WriteAllLines(_folder[name],
        [
            heading,
            .. images.Select(image => Path.GetRelativePath(_folder["images"], image)).Select(image =>
                $"images/{image.Replace('\\', '/')},{labelsOf(image.Split(Path.DirectorySeparatorChar))}"),
        ]);
        return _folder[name];
    }
}
