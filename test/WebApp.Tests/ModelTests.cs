using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Images;
using WebApp.Models;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class ModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task DescribesTheModelInUse()
    {
        TestModel.Save(_folder["shapes.zip"]);
        await using var service = await TestService.StartReadyAsync(_folder["shapes.zip"]);

        var model = await Answers.JsonAsync(await service.Client.GetAsync("model"));

        Assert.Equal("shapes.zip", model.GetProperty("name").GetString());
        Assert.Equal(VersionOf(_folder["shapes.zip"]), model.GetProperty("version").GetString());
        Assert.Equal(new FileInfo(_folder["shapes.zip"]).Length, model.GetProperty("size").GetInt64());
        Assert.Equal(TestModel.ClassNames, model.GetProperty("classes").EnumerateArray().Select(name => name.GetString()));
    }

    [Fact]
    public async Task ReplacesTheModelWithoutDroppingARequestOrMixingTwoModels()
    {
        TestModel.Save(_folder["a.zip"], seed: 1);
        TestModel.Save(_folder["b.zip"], seed: 2);
        var image = TestImages.Png(3);
        var expected = new[] { "a.zip", "b.zip" }.ToDictionary(name => VersionOf(_folder[name]), name =>
        {
            using var reference = new ReferenceScores(_folder[name]);
            return reference.Of(image);
        });
        Replace("a.zip");
        await using var service = await TestService.StartReadyAsync(
            _folder["model.zip"], "ModelPollInterval=00:00:00.02", "Engines=2", "WaitingRequests=100");
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 6).Select(client => Task.Run(async () =>
        {
            var versions = new HashSet<string>();
            while (!stop.IsCancellationRequested)
            {
                var answer = await Answers.JsonAsync(
                    await service.PostFormAsync("predict/batch", [.. Enumerable.Repeat(("x", image), 1 + client % 3)]));
                var version = answer.GetProperty("model").GetString()!;
                versions.Add(version);
                Assert.All(
                    answer.GetProperty("images").EnumerateArray(),
                    item => Answers.AssertPredictions(expected[version], item.GetProperty("predictions")));
            }

            return versions;
        })).ToArray();

        foreach (var name in (string[])["b.zip", "a.zip", "b.zip", "a.zip"])
        {
            Replace(name);
            await WaitForVersionAsync(service, VersionOf(_folder[name]));
        }

        await stop.CancelAsync();
        var seen = await Task.WhenAll(clients);
        Assert.Equal(expected.Keys.Order(), seen.SelectMany(versions => versions).Distinct().Order());
    }

    [Fact]
    public async Task KeepsItsModelWhenTheFileIsReplacedByOneThatIsNone()
    {
        TestModel.Save(_folder["a.zip"], seed: 1);
        TestModel.Save(_folder["b.zip"], seed: 2);
        Replace("a.zip");
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "ModelPollInterval=00:00:00.02");

        File.WriteAllText(_folder["model.zip"], "not a model");
        await service.WaitAsync(health => health.GetProperty("detail").GetString()?.Contains("cannot be loaded") == true);
        Assert.Equal(HttpStatusCode.OK, (await service.Client.GetAsync("health")).StatusCode);
        Assert.Equal(
            VersionOf(_folder["a.zip"]),
            (await Answers.JsonAsync(await service.PostAsync(TestImages.Png(1)))).GetProperty("model").GetString());

        Replace("b.zip");
        await WaitForVersionAsync(service, VersionOf(_folder["b.zip"]));
        Assert.Null((await service.WaitAsync(_ => true)).Single().GetProperty("detail").GetString());
    }

    // None of them may stop the service, nor be waited for: a pipe never answers, and a device never ends.
    [SkippableTheory]
    [InlineData("a pipe", "mkfifo model.zip.new")]
    [InlineData("a link to a device", "ln -s /dev/zero model.zip.new")]
    [InlineData("a link to a link to a pipe", "mkfifo pipe && ln -s pipe link && ln -s link model.zip.new")]
    [InlineData("a file with nothing in it", "touch model.zip.new")]
    [InlineData("a model that ends too early", "head -c 20000 a.zip > model.zip.new")]
    [InlineData("a model with other bytes in it", "(head -c 9000 a.zip; head -c 20000 a.zip; tail -c +29001 a.zip) > model.zip.new")]
    [InlineData("a file that is too large", "truncate -s 3000000000 model.zip.new")]
    public async Task GoesOnServingWhenTheModelBecomesSomethingElse(string name, string command)
    {
        Skip.If(OperatingSystem.IsWindows(), "It is a shell that makes the file.");
        Assert.NotEmpty(name);
        TestModel.Save(_folder["a.zip"], seed: 1);
        TestModel.Save(_folder["b.zip"], seed: 2);
        Replace("a.zip");
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "ModelPollInterval=00:00:00.02");

        Shell($"{command}; mv -f model.zip.new model.zip");
        var seen = await service.WaitAsync(health => health.GetProperty("detail").GetString()?.Contains("cannot be loaded") == true);
        var health = seen[^1];

        Assert.Equal("ready", health.GetProperty("status").GetString());
        Assert.DoesNotContain(_folder.Path, health.GetProperty("detail").GetString());
        Assert.DoesNotContain(Path.GetTempPath(), health.GetProperty("detail").GetString());
        await AssertAnswersWithAsync("a.zip", service);
        Replace("b.zip");
        await WaitForVersionAsync(service, VersionOf(_folder["b.zip"]));
    }

    [SkippableTheory]
    [InlineData("rm model.zip; ln -s model.zip model.zip")]
    [InlineData("rm model.zip; mkdir model.zip")]
    public async Task GoesOnServingWhenThereIsNoFileAnyMore(string command)
    {
        Skip.If(OperatingSystem.IsWindows(), "It is a shell that makes the file.");
        TestModel.Save(_folder["a.zip"], seed: 1);
        TestModel.Save(_folder["b.zip"], seed: 2);
        Replace("a.zip");
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "ModelPollInterval=00:00:00.02");

        Shell(command);
        await Task.Delay(100);

        await AssertAnswersWithAsync("a.zip", service);
        Shell("rm -r model.zip");
        Replace("b.zip");
        await WaitForVersionAsync(service, VersionOf(_folder["b.zip"]));
    }

    [SkippableFact]
    public async Task StartsWithoutAModelWhenItsFileIsAPipe()
    {
        Skip.If(OperatingSystem.IsWindows(), "There are no named pipes in folders.");
        Shell("mkfifo model.zip");
        await using var service = await TestService.StartAsync($"Model={_folder["model.zip"]}", "ModelPollInterval=00:00:00.02");

        var health = (await service.WaitAsync(health => health.GetProperty("status").GetString() is "ready" or "failed"))[^1];

        Assert.StartsWith(
            "The model file cannot be loaded: 'model.zip' holds nothing: it is empty, a pipe or a device.",
            health.GetProperty("detail").GetString());
    }

    // As Kubernetes does with what it mounts.
    [SkippableFact]
    public async Task SeesThatALinkLeadsToAnotherModel()
    {
        Skip.If(OperatingSystem.IsWindows(), "Links need a privilege there.");
        TestModel.Save(_folder["a.zip"], seed: 1);
        TestModel.Save(_folder["b.zip"], seed: 2);
        Shell("mkdir 1 2; mv a.zip 1/model.zip; mv b.zip 2/model.zip; ln -s 1 current; ln -s current/model.zip model.zip");
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "ModelPollInterval=00:00:00.02");

        Shell("ln -s 2 next; mv -T next current");

        await WaitForVersionAsync(service, VersionOf(_folder["2/model.zip"]));
    }

    [Theory]
    [InlineData("'/tmp/a folder/b/model.zip' holds nothing", "'model.zip' holds nothing")]
    [InlineData("Load model from /tmp/x-1/network.onnx failed:Protobuf.", "Load model from network.onnx failed:Protobuf.")]
    [InlineData("Folder 'C:\\Users\\me\\images': see https://example.org/a/b", "Folder 'images': see https://example.org/a/b")]
    [InlineData("Not found: /etc", "Not found: etc")]
    [InlineData("It failed.\n   at X.Y() in /src/x.cs:line 3", "It failed.")]
    [InlineData("12 and/or 3 / 4 of samples/QuickStart", "12 and/or 3 / 4 of samples/QuickStart")]
    public void ClientsAreToldNoPath(string message, string told) => Assert.Equal(told, PublicReason.Of(new IOException(message)));

    [Fact]
    public async Task SaysThatItHasNoModelUntilTheFileIsOne()
    {
        File.WriteAllText(_folder["model.zip"], "not a model");
        await using var service = await TestService.StartAsync($"Model={_folder["model.zip"]}", "ModelPollInterval=00:00:00.02");
        await service.WaitAsync(health => health.GetProperty("status").GetString() == "failed");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.Client.GetAsync("health")).StatusCode);
        await Answers.AssertProblemAsync(HttpStatusCode.ServiceUnavailable, "cannot be loaded", await service.PostAsync(TestImages.Png(1)));
        await Answers.AssertProblemAsync(HttpStatusCode.ServiceUnavailable, "cannot be loaded", await service.Client.GetAsync("model"));

        TestModel.Save(_folder["a.zip"]);
        Replace("a.zip");
        await service.WaitAsync(health => health.GetProperty("status").GetString() == "ready");
        Assert.Equal(HttpStatusCode.OK, (await service.PostAsync(TestImages.Png(1))).StatusCode);
    }

    [Fact]
    public async Task FindsTheImageColumnWhateverItIsCalled()
    {
        TestModel.Save(_folder["model.zip"], imageColumn: "Photo");
        using var reference = new ReferenceScores(_folder["model.zip"]);
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"]);

        Answers.AssertPredictions(
            reference.Of(TestImages.Jpeg(1)),
            (await Answers.JsonAsync(await service.PostAsync(TestImages.Jpeg(1)))).GetProperty("predictions"));
    }

    [Fact]
    public void RefusesAModelThatClassifiesNoImages()
    {
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable([new { Text = "a" }]);
        ml.Model.Save(ml.Transforms.Text.NormalizeText("Normal", "Text").Fit(data), data.Schema, _folder["text.zip"]);

        var exception = Assert.Throws<InvalidDataException>(() => Classifier.Load(File.ReadAllBytes(_folder["text.zip"]), engines: 1));

        Assert.Contains("nor an ML.NET model of this library", exception.Message);
    }

    [Fact]
    public async Task AModelIsDisposedWhenItsLastRequestLetsGo()
    {
        TestModel.Save(_folder["model.zip"]);
        var classifier = Classifier.Load(File.ReadAllBytes(_folder["model.zip"]), engines: 1);
        using var current = new CurrentModel();
        current.Replace(new LoadedModel(classifier, "model.zip", 1, DateTimeOffset.UnixEpoch));
        var lease = current.TryTake()!;

        current.Replace(null);
        Assert.Null(current.TryTake());
        var image = EncodedImage.Open(TestImages.Png(1), new ServiceOptions());
        Assert.Equal(TestModel.ClassNames.Length, (await lease.Model.Classifier.ScoreAsync(image, CancellationToken.None)).Length);

        Assert.True(classifier.TryAddReference());
        classifier.Release();
        lease.Dispose();
        lease.Dispose();
        Assert.False(classifier.TryAddReference());
    }

    [Theory]
    [InlineData("There is no model 'no/such.zip'", "--model", "no/such.zip")]
    [InlineData("--data needs --model", "--data", "images")]
    [InlineData("There is no image folder 'no/images'", "--data", "no/images", "--model", "new.zip")]
    [InlineData("There is no option '--modle'", "--modle", "model.zip")]
    [InlineData("There is no option 'model.zip'", "model.zip")]
    [InlineData("--model needs a value", "--model")]
    [InlineData("Engins", "--Classifier:Engins", "2")]
    [InlineData("Engines must be between 1 and 1024", "--Classifier:Engines", "0")]
    [InlineData("UnsureBelow must be between 0 and 1", "--Classifier:UnsureBelow", "60")]
    [InlineData("ApplyExifOrientation", "--Classifier:ApplyExifOrientation", "perhaps")]
    [InlineData("MaxPixels", "--Classifier:MaxPixels", "many")]
    [InlineData("MaxReadingBodies must be between 1 and 100000", "--Classifier:MaxReadingBodies", "0")]
    [InlineData("MaxReadingBodiesPerClient must be between 1 and 100000", "--Classifier:MaxReadingBodiesPerClient", "0")]
    [InlineData("MinBodyBytesPerSecond must be between 1 and", "--Classifier:MinBodyBytesPerSecond", "0")]
    [InlineData("BodyTimeout must be between 00:00:00.1", "--Classifier:BodyTimeout", "00:00:00")]
    [InlineData("MaxModelBytes must be between 1 and 2000000000", "--Classifier:MaxModelBytes", "0")]
    public void RefusesToStartWithWrongOptions(string message, params string[] args) =>
        Assert.Contains(message, Assert.Throws<ValidationException>(() => ClassifierService.Build(args)).Message);

    private async Task AssertAnswersWithAsync(string name, TestService service)
    {
        var answer = await Answers.JsonAsync(await service.PostAsync(TestImages.Png(1)));
        Assert.Equal(VersionOf(_folder[name]), answer.GetProperty("model").GetString());
    }

    private void Shell(string command) => SampleProcess.Run("sh", ["-c", command], folder: _folder.Path).Succeeded();

    private static string VersionOf(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))[..12];

    private static async Task WaitForVersionAsync(TestService service, string version)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((await Answers.JsonAsync(await service.Client.GetAsync("model"))).GetProperty("version").GetString() != version)
        {
            await Task.Delay(10, limit.Token);
        }
    }

    // As a deployment does: written beside it, then moved over it.
    private void Replace(string name)
    {
        var copy = _folder[$"{name}.new"];
        File.WriteAllBytes(copy, File.ReadAllBytes(_folder[name]));
        File.Move(copy, _folder["model.zip"], overwrite: true);
    }
}
