using System.Net;
using System.Text.Json;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class LimitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public LimitsTests() => TestModel.Save(_folder["model.zip"]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SendsAwayWhoeverIsTooManyAndAnswersThoseThatWait()
    {
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "Engines=1", "WaitingRequests=1");
        var image = TestImages.Png(1);
        using var first = await service.OpenAsync(image, sent: 20);
        using var second = await service.OpenAsync(image, sent: 20);

        // Sooner or later both are let in, and from then on there is no place.
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        HttpResponseMessage third;
        while ((third = await service.PostAsync(image)).StatusCode == HttpStatusCode.OK)
        {
            await Task.Delay(10, limit.Token);
        }

        await Answers.AssertProblemAsync(HttpStatusCode.TooManyRequests, "2 requests are being worked on or wait already", third);
        Assert.Equal(TimeSpan.FromSeconds(1), third.Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.OK, (await service.Client.GetAsync("health")).StatusCode);

        await first.FinishAsync();
        await second.FinishAsync();
        Assert.StartsWith("HTTP/1.1 200", await first.ReadAsync());
        Assert.StartsWith("HTTP/1.1 200", await second.ReadAsync());
        Assert.Equal(HttpStatusCode.OK, (await service.PostAsync(image)).StatusCode);
    }

    [Fact]
    public async Task ARequestThatSendsItsImageSlowlyHoldsUpNoOther()
    {
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "Engines=1");
        using var slow = await service.OpenAsync(TestImages.Png(1), sent: 20);

        Assert.Equal(HttpStatusCode.OK, (await service.PostAsync(TestImages.Png(2))).StatusCode);
    }

    [Fact]
    public async Task EndsARequestThatTakesTooLong()
    {
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "Timeout=00:00:00.3");
        using var slow = await service.OpenAsync(TestImages.Png(1), sent: 20);

        var answer = await slow.ReadAsync();

        Assert.StartsWith("HTTP/1.1 503", answer);
        Assert.Contains("application/problem+json", answer);
        Assert.Contains("The request took longer than 0.3 s.", answer);
    }

    [Fact]
    public async Task RefusesABodyByItsLengthBeforeItIsSent()
    {
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "MaxImageBytes=1000", "MaxBatchBytes=300000");
        using var large = await service.OpenAsync(new byte[100_000], sent: 0);
        using var largeBatch = await service.OpenAsync(new byte[300_001], sent: 0, "predict/batch", "multipart/form-data; boundary=x");

        foreach (var answer in new[] { await large.ReadAsync(), await largeBatch.ReadAsync() })
        {
            Assert.StartsWith("HTTP/1.1 413", answer);
            Assert.Contains("application/problem+json", answer);
            Assert.Contains("too large", answer);
        }

        // The bound on one image is kept where the body is allowed to be larger.
        var batch = await Answers.JsonAsync(await service.PostFormAsync("predict/batch", ("x", new byte[100_000])));
        Assert.Equal(413, batch.GetProperty("images")[0].GetProperty("error").GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task TellsItsLimits()
    {
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "MaxImageBytes=1000", "MaxPixels=77", "MaxBatchImages=3", "MaxBatchBytes=5000");

        var limits = (await Answers.JsonAsync(await service.Client.GetAsync("model"))).GetProperty("limits");

        Assert.Equal("""{"imageBytes":1000,"pixels":77,"batchImages":3,"batchBytes":5000}""", JsonSerializer.Serialize(limits));
    }
}
