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
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "ModelPollInterval=00:00:00.02", "Engines=2", "WaitingRequests=100");
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 6).Select(client => Task.Run(async () =>
        {
            var versions = new HashSet<string>();
            while (!stop.IsCancellationRequested)
            {
                var answer = await Answers.JsonAsync(await service.PostFormAsync("predict/batch", [.. Enumerable.Repeat(("x", image), 1 + client % 3)]));
                var version = answer.GetProperty("model").GetString()!;
                versions.Add(version);
                Assert.All(answer.GetProperty("images").EnumerateArray(), item => Answers.AssertPredictions(expected[version], item.GetProperty("predictions")));
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
        Assert.Equal(VersionOf(_folder["a.zip"]), (await Answers.JsonAsync(await service.PostAsync(TestImages.Png(1)))).GetProperty("model").GetString());

        Replace("b.zip");
        await WaitForVersionAsync(service, VersionOf(_folder["b.zip"]));
        Assert.Null((await service.WaitAsync(_ => true)).Single().GetProperty("detail").GetString());
    }

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

        Answers.AssertPredictions(reference.Of(TestImages.Jpeg(1)), (await Answers.JsonAsync(await service.PostAsync(TestImages.Jpeg(1)))).GetProperty("predictions"));
    }

    [Fact]
    public void RefusesAModelThatClassifiesNoImages()
    {
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable([new { Text = "a" }]);
        ml.Model.Save(ml.Transforms.Text.NormalizeText("Normal", "Text").Fit(data), data.Schema, _folder["text.zip"]);

        var exception = Assert.Throws<FormatException>(() => Classifier.Load(File.ReadAllBytes(_folder["text.zip"]), engines: 1));

        Assert.Contains("does not classify images", exception.Message);
        Assert.Contains("Text", exception.Message);
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
        using (var image = EncodedImage.Open(TestImages.Png(1), new ServiceOptions()))
        {
            Assert.Equal(TestModel.ClassNames.Length, (await lease.Model.Classifier.ScoreAsync(image, CancellationToken.None)).Length);
        }

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
    [InlineData("Engines must be between 1 and 1024", "--Classifier:Engines", "0")]
    [InlineData("MaxPixels", "--Classifier:MaxPixels", "many")]
    public void RefusesToStartWithWrongOptions(string message, params string[] args) =>
        Assert.Contains(message, Assert.Throws<ValidationException>(() => ClassifierService.Build(args)).Message);

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
