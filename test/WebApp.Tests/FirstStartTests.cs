using System.Net;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class FirstStartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WithoutAModelOneIsTrainedWhileTheServiceTellsHowItGoes()
    {
        Pictures.Write(_folder["images"], perClass: 10, height: 16, width: 16);
        await using var service = await TestService.StartAsync(
            $"Model={_folder["new/model.zip"]}", $"Data={_folder["images"]}", "ModelPollInterval=00:00:00.1");
        await service.WaitAsync(health => health.GetProperty("status").GetString() == "training");
        await Answers.AssertProblemAsync(
            HttpStatusCode.ServiceUnavailable, "Building the trainer", await service.PostAsync(TestImages.Png(1)));

        var seen = await service.WaitAsync(health => health.GetProperty("status").GetString() is "ready" or "failed");

        Assert.Equal("ready", seen[^1].GetProperty("status").GetString());
        Assert.Contains(seen, health => health.GetProperty("detail").GetString()?.StartsWith("Epoch ") == true
            && health.GetProperty("progress").GetDouble() is > 0 and <= 1);
        var model = await Answers.JsonAsync(await service.Client.GetAsync("model"));
        Assert.Equal(Pictures.ClassNames.Order(), model.GetProperty("classes").EnumerateArray().Select(name => name.GetString()).Order());
        Assert.Equal(HttpStatusCode.OK, (await service.PostAsync(TestImages.Png(1))).StatusCode);
        Assert.False(File.Exists(_folder["new/model.zip.partial"]));
        Assert.True(File.Exists(_folder["new/model.html"]));
    }

    [Fact]
    public async Task SaysWhyNoModelCouldBeTrained()
    {
        Directory.CreateDirectory(_folder["empty"]);
        await using var service = await TestService.StartAsync($"Model={_folder["model.zip"]}", $"Data={_folder["empty"]}");

        var seen = await service.WaitAsync(health => health.GetProperty("status").GetString() is "ready" or "failed");

        Assert.Equal("failed", seen[^1].GetProperty("status").GetString());
        Assert.Contains("empty", seen[^1].GetProperty("detail").GetString());
        Assert.False(File.Exists(_folder["model.zip"]));
    }
}
