using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class ShardTests(CliFixture fixture) : IClassFixture<CliFixture>
{
    [Fact]
    public void ShardsHoldAFoldersImagesAndAreTheSameEachTime()
    {
        var (one, other, mixed) = (fixture.File("one"), fixture.File("other"), fixture.File("mixed"));
        var written = Resnet("shard", fixture.Images, "--out", one, "--size", "12KB", "--json").Succeeded().Json;
        Resnet("shard", fixture.Images, "--out", other, "--size", "12KB").Succeeded();
        Resnet("shard", fixture.Images, "--out", mixed, "--size", "12KB", "--seed", "7").Succeeded();

        var shards = Directory.GetFiles(one, "*.tar").Order().ToArray();
        Assert.Equal((9, 0, shards.Length), (Count("images"), Count("failed"), Count("count")));
        Assert.InRange(shards.Length, 2, 8);
        Assert.All(shards, shard => Assert.InRange(new FileInfo(shard).Length, 1, 12_000));
        var others = shards.Select(shard => Path.Combine(other, Path.GetFileName(shard)));
        Assert.Equal(shards.Select(File.ReadAllBytes), others.Select(File.ReadAllBytes));
        Assert.NotEqual(File.ReadAllBytes(shards[0]), File.ReadAllBytes(Path.Combine(mixed, "shard-000000.tar")));

        var ml = new MLContext(seed: 1);
        var names = File.ReadAllLines(Path.Combine(one, "classes.txt"));
        var view = ml.Data.LoadImageShards(written.GetProperty("shards").GetString()!, new ImageShardOptions { IncludeMetadata = true });
        Assert.Equal(names.SelectMany(name => Enumerable.Repeat(name, 3)), view.GetColumn<string>("Label").Order(StringComparer.Ordinal));
        Assert.NotEqual(view.GetColumn<string>("Label").Order(StringComparer.Ordinal), view.GetColumn<string>("Label")); // mixed
        var files = view.GetColumn<string>("Metadata")
            .Select(json => JsonSerializer.Deserialize<JsonElement>(json).GetProperty("file").GetString()!).ToArray();
        Assert.All(files, file => Assert.True(File.Exists(Path.Combine(fixture.Images, file)), file));
        Assert.Equal(9, files.Distinct().Count());
        var originals = Directory.GetFiles(fixture.Images, "*.png", SearchOption.AllDirectories).Select(File.ReadAllBytes);
        Assert.Equal(Hashes(originals), Hashes(Members(shards)));

        int Count(string name) => written.GetProperty(name).GetInt32();
    }

    [Fact]
    public void SharesOfAPredictionJoinedAreOne()
    {
        var whole = Resnet("predict", fixture.Safetensors, fixture.Images, "--csv", "--shard", "0/1").Succeeded().Output;

        string[] shares = [.. Enumerable.Range(0, 4).Select(share =>
            Resnet("predict", fixture.Safetensors, fixture.Images, "--csv", "--shard", $"{share}/4").Succeeded().Output)];

        Assert.All(shares, share => Assert.InRange(share.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 2, 3));
        Assert.Equal(whole, string.Concat(shares));
        Assert.Equal(10, whole.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void SharesOfFeaturesJoinedAreOne()
    {
        Resnet("featurize", fixture.Safetensors, fixture.Images, "-o", fixture.File("whole.csv")).Succeeded();
        string[] shares = [.. Enumerable.Range(0, 2).Select(share => fixture.File($"share-{share}.csv"))];
        for (var share = 0; share < 2; share++)
        {
            Resnet("featurize", fixture.Safetensors, fixture.Images, "-o", shares[share], "--shard", $"{share}/2").Succeeded();
        }

        Assert.Equal(File.ReadAllText(fixture.File("whole.csv")), string.Concat(shares.Select(File.ReadAllText)));
    }

    [Theory]
    [InlineData]
    [InlineData("--stream", "--validation", "0")]
    public void AModelIsTrainedOnShardsTestedAndReportedOn(params string[] more)
    {
        using var folder = new TemporaryFolder();
        var (train, test) = (Packed(folder, "train", perClass: 6), Packed(folder, "test", perClass: 2));

        var run = Resnet(
            ["train", train, "-o", folder["model.zip"], .. Quick, "--test", test, "--report", folder["report.html"],
                "--preview", folder["batch.png"], "--json", .. more]).Succeeded();

        var result = run.Json;
        Assert.Equal(["diagonal", "lying", "standing"], result.GetProperty("classes").EnumerateArray().Select(each => each.GetString()));
        Assert.Equal((18, 6), (Count("trainingImages") + Count("validationImages"), Count("testImages")));
        Assert.Contains("lying", File.ReadAllText(folder["report.html"]));
        Assert.True(new FileInfo(folder["batch.png"]).Length > 0);

        // As ever, the model reads files; and what it is right about does not depend on where images lie.
        var inShards = Resnet("evaluate", folder["model.zip"], test, "--json").Succeeded().Json;
        var inFiles = Resnet("evaluate", folder["model.zip"], folder["test"], "--json").Succeeded().Json;
        Assert.Equal(inFiles.GetProperty("accuracy").GetDouble(), inShards.GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.Equal(inFiles.GetProperty("logLoss").GetDouble(), inShards.GetProperty("logLoss").GetDouble(), 1e-9);
        Assert.Equal(inShards.GetProperty("accuracy").GetDouble(), result.GetProperty("testAccuracy").GetDouble(), 1e-9);

        int Count(string name) => result.GetProperty(name).GetInt32();
    }

    [Fact]
    public void ADamagedSampleIsNamedAndLeftOutOfTrainingAndOfTheTest()
    {
        using var folder = new TemporaryFolder();
        var shards = TinyShards.Write(folder.Path, damaged: 4, side: 16, most: 18);

        var run = Resnet(["train", shards, "-o", folder["model.zip"], .. Quick, "--test", shards, "--json"]).Succeeded();

        Assert.Equal(
            (1, 1, 17),
            (
                run.Json.GetProperty("skippedImages").GetInt32(),
                run.Json.GetProperty("skippedTestImages").GetInt32(),
                run.Json.GetProperty("testImages").GetInt32()));
        Assert.Contains("0004.png", run.Error);
    }

    [Fact]
    public void WhatDoesNotGoWithShardsIsSaid()
    {
        using var folder = new TemporaryFolder();
        var shards = TinyShards.Write(folder.Path, side: 16, most: 18);
        string[] stream = ["--stream", "--arch", "plain20"];

        Refused(2, "DATA is", shards, "--test", fixture.Images);
        Refused(2, "give shards for both, which 'resnet shard' makes of a folder", fixture.Images, "--validation", shards);
        Refused(2, "--stream reads shards anew in each epoch, but", [fixture.Images, .. stream]);
        Refused(2, "name the network with --arch", shards, "--stream");
        Refused(2, "name the network with --arch", shards, "--stream", "--pretrained");
        Refused(1, "with --stream", [shards, .. stream, "--balance", "Sampling"]);
        Refused(1, "There is no shard", folder["train-{7..9}.tar"]);
        Refused(1, "There is no shard", folder["{train-7.tar,train-8.tar}"]);
        Refused(1, "the smaller one first", "https://localhost/train-{9..7}.tar");

        File.WriteAllLines(folder["classes.txt"], ["lying", "standing"]);
        Refused(1, "The shards have the label 'diagonal', but", shards);

        void Refused(int exitCode, string message, params string[] arguments)
        {
            var run = Resnet(["train", .. arguments, "-o", folder["model.zip"]]);

            Assert.Equal(exitCode, run.ExitCode);
            Assert.Contains(message, run.Error);
            Assert.False(File.Exists(folder["model.zip"]));
        }
    }

    [Theory]
    [InlineData("predict", "--shard", "16/16", "--shard is '16/16', but must be an index, counted from 0, and how many shares there are")]
    [InlineData("predict", "--shard", "3", "--shard is '3', but must be")]
    [InlineData("shard", "--size", "3 houses", "--size is '3 houses', but must be a size from 10KB to 1000GB, such as 100MB")]
    [InlineData("shard", "--name", "a/b", "--name is 'a/b', but must be the beginning of a file's name")]
    public void WhatIsWrongIsSaid(string command, string option, string value, string message)
    {
        string[] arguments = command == "shard"
            ? [command, fixture.Images, "--out", fixture.File("none")]
            : [command, fixture.Safetensors, fixture.Images];

        var result = Resnet([.. arguments, option, value]);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(message, result.Error);
        Assert.False(Directory.Exists(fixture.File("none")));
    }

    [Fact]
    public void ADamagedImageIsNamedAndLeftOutUnlessFilesArePackedAsTheyAre()
    {
        using var folder = new TemporaryFolder();
        Pictures.Write(folder["images"], perClass: 2, height: 16, width: 16, seed: 1);
        var damaged = Directory.GetFiles(folder["images"], "*.png", SearchOption.AllDirectories).Order().First();
        File.WriteAllBytes(damaged, File.ReadAllBytes(damaged)[..40]);

        var run = Resnet("shard", folder["images"], "--out", folder["checked"], "--json");
        var asTheyAre = Resnet("shard", folder["images"], "--out", folder["as-they-are"], "--no-check", "--json").Succeeded();

        Assert.Equal((1, 1), (run.ExitCode, run.Json.GetProperty("failed").GetInt32()));
        Assert.Contains(Path.GetFileName(damaged), run.Error);
        Assert.Equal(0, asTheyAre.Json.GetProperty("failed").GetInt32());
        Assert.Equal(asTheyAre.Json.GetProperty("images").GetInt32() - 1, run.Json.GetProperty("images").GetInt32());
    }

    [Fact]
    public void ShardsThatAreThereAreNotWrittenOver()
    {
        var folder = fixture.File("again");
        Resnet("shard", fixture.Images, "--out", folder).Succeeded();

        var result = Resnet("shard", fixture.Images, "--out", folder);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("There is a shard", result.Error);
    }

    private static string[] Quick => ["--arch", "plain20", "--image-size", "16", "--epochs", "1", "--batch-size", "6"];

    private static string Packed(TemporaryFolder folder, string name, int perClass)
    {
        Pictures.Write(folder[name], perClass, height: 16, width: 16, seed: name.Length);
        return Resnet("shard", folder[name], "--out", folder["shards"], "--name", name, "--size", "12KB", "--json").Succeeded()
            .Json.GetProperty("shards").GetString()!;
    }

    private static IEnumerable<byte[]> Members(string[] shards)
    {
        foreach (var shard in shards)
        {
            using var tar = new System.Formats.Tar.TarReader(File.OpenRead(shard));
            while (tar.GetNextEntry(copyData: true) is { } entry)
            {
                if (entry.Name.EndsWith(".png", StringComparison.Ordinal))
                {
                    var content = new byte[entry.Length];
                    entry.DataStream!.ReadExactly(content);
                    yield return content;
                }
            }
        }
    }

    private static IEnumerable<string> Hashes(IEnumerable<byte[]> files) =>
        files.Select(file => Convert.ToHexString(SHA256.HashData(file))).Order();
}
