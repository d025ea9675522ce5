using System.Globalization;
using CsvHelper;
using Microsoft.ML.ResNet.TestSupport;
using SkiaSharp;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class PredictTests(CliFixture fixture) : IClassFixture<CliFixture>
{
    [Fact]
    public void JsonHasTheLikeliestClassesWithTheLibrarysProbabilities()
    {
        var picture = Path.Combine(fixture.Images, "lying", "001.png");

        var predictions = Resnet("predict", fixture.Safetensors, fixture.Images, "--top", "2", "--json").Succeeded().Json;

        Assert.Equal(9, predictions.GetArrayLength());
        var prediction = predictions.EnumerateArray().Single(each => each.GetProperty("file").GetString() == picture);
        var expected = fixture.Scores(picture).Zip(ClassNames, (Probability, Name) => (Probability, Name))
            .OrderByDescending(each => each.Probability).Take(2).ToArray();
        var classes = prediction.GetProperty("classes").EnumerateArray().ToArray();
        Assert.Equal(expected.Select(each => each.Name), classes.Select(each => each.GetProperty("name").GetString()!));
        Assert.Equal(expected.Select(each => each.Probability), classes.Select(each => each.GetProperty("probability").GetSingle()));
    }

    [Fact]
    public void EveryFormatOfTheSameNetworkGivesTheSameCsv()
    {
        string[] outputs = [.. new[] { fixture.Safetensors, fixture.ModelZip, fixture.Onnx }.Select(
            model => Resnet("predict", model, fixture.Images, "--csv", "--top", "3").Succeeded().Output)];

        Assert.All(outputs, output => Assert.Equal(outputs[0], output));
    }

    [Fact]
    public void SimilarImagesAreFoundAndTheImageItselfIsTheFirst()
    {
        var picture = Path.Combine(fixture.Images, "standing", "001.png");

        var found = Resnet("similar", fixture.ModelZip, fixture.Images, "--like", picture, "--top", "4", "--json").Succeeded().Json;

        Assert.Equal(4, found.GetArrayLength());
        Assert.Equal(picture, found[0].GetProperty("file").GetString());
        Assert.InRange(found[0].GetProperty("similarity").GetSingle(), 0.9999f, 1);
        Assert.InRange(found[3].GetProperty("similarity").GetSingle(), -1, found[1].GetProperty("similarity").GetSingle());
    }

    [Fact]
    public void CsvQuotesWhatMustBeQuoted()
    {
        var picture = Path.Combine(fixture.Images, "lying", "000.png");
        var odd = fixture.File("a \"b\", c.png");
        File.Copy(picture, odd);

        var output = Resnet("predict", fixture.Safetensors, odd, "--csv", "--top", "3").Succeeded().Output;

        using var csv = new CsvReader(new StringReader(output), CultureInfo.InvariantCulture);
        var rows = csv.GetRecords<dynamic>()
            .Select(row => ((string File, string Rank, string Class, string Probability))(row.file, row.rank, row.@class, row.probability))
            .ToArray();
        Assert.All(rows, row => Assert.Equal(odd, row.File));
        Assert.Equal(["1", "2", "3"], rows.Select(row => row.Rank));
        Assert.Equal(ClassNames.Order(), rows.Select(row => row.Class).Order());
        Assert.Equal(
            fixture.Scores(picture).OrderDescending(), rows.Select(row => float.Parse(row.Probability, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void ProbabilitiesHaveNoExponent()
    {
        // One class far ahead: the others have probabilities such as 6.887237e-12.
        var sure = new ResNetWeights(Untrained.Tensors.Select(tensor => tensor.Name == "fc.bias"
            ? new WeightTensor("fc.bias", [3], new float[] { 25, 0, 0 }) : tensor))
        {
            ArchitectureName = "plain20",
            ClassNames = ["a", "b", "c"],
            Preprocessing = Untrained.Preprocessing,
        };
        sure.Save(fixture.File("sure.safetensors"));
        string[] arguments = ["predict", fixture.File("sure.safetensors"), Path.Combine(fixture.Images, "lying", "000.png"), "--top", "3"];

        var (json, csv, table) = (Resnet([.. arguments, "--json"]).Succeeded(), Resnet([.. arguments, "--csv"]).Succeeded(),
            Resnet(arguments).Succeeded());

        Assert.Matches("\"probability\": 0\\.000000[0-9]+", json.Output);
        Assert.Matches(",c?b?,0\\.000000[0-9]+", csv.Output);
        Assert.Contains("0.00 %", table.Output);
        Assert.All([json.Output, csv.Output, table.Output], output => Assert.DoesNotMatch("[0-9][eE]-", output));
        var numbers = json.Json[0].GetProperty("classes").EnumerateArray().Select(each =>
            each.GetProperty("probability").GetSingle()).ToArray();
        Assert.Equal(numbers, csv.Lines[1..].Select(line => float.Parse(line.Split(',')[^1], CultureInfo.InvariantCulture)));
        Assert.InRange(numbers[^1], float.Epsilon, 1e-6f);
    }

    [Fact]
    public void AnImageOnStandardInputIsClassified()
    {
        var picture = Path.Combine(fixture.Images, "diagonal", "002.png");

        var prediction = Resnet(File.ReadAllBytes(picture), "predict", fixture.Safetensors, "-", "--json").Succeeded().Json[0];

        Assert.Equal("-", prediction.GetProperty("file").GetString());
        Assert.Equal(fixture.Scores(picture).Max(), prediction.GetProperty("classes")[0].GetProperty("probability").GetSingle());
    }

    // The first ended the process, the second took all memory, the third waited for ever.
    [SkippableFact]
    public void HostileFilesAreNamedAndTheRestGoOn()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["fatal.bmp"], ImageFiles.FatalBmp);
        File.WriteAllBytes(folder["huge.gif"], ImageFiles.HugeGif);
        File.Copy(Path.Combine(fixture.Images, "lying", "000.png"), folder["whole.png"]);
        ImageFiles.MakePipe(folder["pipe.jpg"]);

        var result = ResnetAlone("predict", fixture.Safetensors, folder.Path, "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(folder["whole.png"], Assert.Single(result.Json.EnumerateArray()).GetProperty("file").GetString());
        Assert.Contains($"Image '{folder["fatal.bmp"]}' cannot be read: it is damaged", result.Error);
        Assert.Contains($"Image '{folder["huge.gif"]}' cannot be read: it has 47,003 × 40,232 pixels", result.Error);
        Assert.Contains($"Image '{folder["pipe.jpg"]}' cannot be read", result.Error);
        Assert.Contains(
            "it has 24 × 20 pixels, and 479 in all are allowed",
            Resnet("predict", fixture.Safetensors, folder["whole.png"], "--max-pixels", "479").Error);
    }

    [SkippableFact]
    public void LinksToImagesAreImagesAndLinksToFoldersAreNotFollowed()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need a privilege there");
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["link.png"], Path.Combine(fixture.Images, "lying", "000.png"));
        Directory.CreateSymbolicLink(folder["back"], folder.Path);
        File.Copy(Path.Combine(fixture.Images, "lying", "001.png"), folder["two\nlines.png"]);

        var predictions = Resnet("predict", fixture.Safetensors, folder.Path, "--json").Succeeded().Json;

        Assert.Equal(
            [folder["link.png"], folder["two\nlines.png"]],
            predictions.EnumerateArray().Select(each => each.GetProperty("file").GetString()));
    }

    [Fact]
    public void PhotographsAreTurnedWhereThatIsAskedFor()
    {
        using var bitmap = SKBitmap.Decode(Path.Combine(fixture.Images, "lying", "000.png"));
        using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 100);
        File.WriteAllBytes(fixture.File("stored.jpg"), jpeg.ToArray());
        File.WriteAllBytes(fixture.File("turned.jpg"), ImageFiles.WithOrientation(jpeg.ToArray(), 6));

        string Classes(string file, params string[] options) =>
            Resnet(["predict", fixture.Safetensors, fixture.File(file), "--top", "3", "--json", .. options]).Succeeded().Json[0]
                .GetProperty("classes")
                .GetRawText();

        var stored = Classes("stored.jpg");
        Assert.Equal(stored, Classes("turned.jpg"));
        Assert.Equal(stored, Classes("stored.jpg", "--exif-orientation"));
        Assert.NotEqual(stored, Classes("turned.jpg", "--exif-orientation"));
    }

    [Fact]
    public void PathsAndGlobsMayComeOnStandardInputToo()
    {
        var list = $"{Path.Combine(fixture.Images, "standing", "000.png")}\n\n{fixture.Images}/**/001.png\n";

        var lines = Resnet(System.Text.Encoding.UTF8.GetBytes(list), "predict", fixture.Safetensors, "--paths-from", "-").Succeeded().Lines;

        Assert.Equal(
            ["file", Path.Combine(fixture.Images, "standing", "000.png"),
                .. new[] { "diagonal", "lying", "standing" }.Select(name => Path.Combine(fixture.Images, name, "001.png"))],
            lines.Select(line => line.Split('\t')[0]));
    }

    [Fact]
    public void AFileThatIsNoImageIsNamedAndTheOthersAreClassified()
    {
        var (text, missing, picture) =
            (fixture.File("text.png"), fixture.File("missing.png"), Path.Combine(fixture.Images, "lying", "000.png"));
        File.WriteAllText(text, "no image");

        var result = Resnet("predict", fixture.Safetensors, text, missing, picture, "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"Image '{text}' cannot be read", result.Error);
        Assert.Contains($"Image '{missing}' cannot be read", result.Error);
        Assert.Equal(picture, Assert.Single(result.Json.EnumerateArray()).GetProperty("file").GetString());
    }

    [SkippableFact]
    public void PipesAreRefusedAndNotWaitedFor()
    {
        var pipe = Fifo.Make(fixture.File("pipe"));

        Assert.Contains("a pipe or a device", Resnet("predict", pipe, fixture.Images).Error);
        Assert.Contains("a pipe or a device", Resnet("predict", fixture.Safetensors, fixture.Images, "--classes", pipe).Error);
    }

    [Theory]
    [InlineData(2, "No images are given: name files, folders or globs after the model", "predict", "MODEL")]
    [InlineData(1, "is a folder, but must be a file.", "predict", "IMAGES", "IMAGES")]
    [InlineData(1, "is a folder, but must be a file.", "inspect", "IMAGES")]
    [InlineData(2, "--top is '0', but must be a whole number, at least 1.", "predict", "MODEL", "IMAGES", "--top", "0")]
    [InlineData(2, "either as --csv or as --json", "predict", "MODEL", "IMAGES", "--csv", "--json")]
    [InlineData(1, "No file matches 'no/*.png'", "predict", "MODEL", "no/*.png")]
    [InlineData(2, "--arch is 'resnet21', but there is no such network. Did you mean", "predict", "MODEL", "IMAGES", "--arch", "resnet21")]
    [InlineData(1, "nothing.zip", "predict", "nothing.zip", "IMAGES")]
    [InlineData(1, "There is no file 'nothing.zip'.", "predict", "nothing.zip", "IMAGES")]
    [InlineData(1, "Did you mean resnet18.imagenet1k_v1", "predict", "resnet18.imagenet1k_v3", "IMAGES")]
    [InlineData(1, "resnet20.cifar10, resnet56.cifar10.", "inspect", "resnet18.imagenet1k_v3")]
    [InlineData(2, "There is no command 'nonsense'.", "nonsense")]
    public void WhatIsWrongIsSaidOnStandardError(int exitCode, string message, params string[] arguments)
    {
        var result = Resnet([.. arguments.Select(
            argument => argument switch { "MODEL" => fixture.Safetensors, "IMAGES" => fixture.Images, _ => argument })]);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(message, result.Error);
        Assert.DoesNotContain("   at ", result.Error);
    }
}
