using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
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
        var large = Enumerable.Repeat(("large.png", TestImages.PlainPng(4000, 4000)), 6).ToArray();

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => service.PostFormAsync("predict/batch", large)));

        var sentAway = answers.Where(answer => answer.StatusCode != HttpStatusCode.OK).ToArray();
        Assert.InRange(sentAway.Length, 1, 4);
        foreach (var answer in sentAway)
        {
            await Answers.AssertProblemAsync(HttpStatusCode.TooManyRequests, "2 requests are being worked on or wait already", answer);
            Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
            Answers.AssertSecurityHeaders(answer);
        }

        foreach (var answer in answers.Except(sentAway))
        {
            Assert.Equal(large.Length, (await Answers.JsonAsync(answer)).GetProperty("images").GetArrayLength());
        }

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
        Assert.Contains(service.Log.Lines, line => line.StartsWith("Warning: Gave up a request to") && line.Contains("longer than 0.3 s"));
        Assert.Null(service.Log.Lines.FirstOrDefault(line => !line.StartsWith("Debug") && line.Contains("   at ")));
    }

    [Fact]
    public async Task RefusesABodyThatDoesNotSayItsLengthOnceItIsTooLong()
    {
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "MaxImageBytes=1000");
        using var request = new HttpRequestMessage(HttpMethod.Post, "predict") { Content = new ByteArrayContent(new byte[70_000]) };
        request.Headers.TransferEncodingChunked = true;

        await Answers.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too large", await service.Client.SendAsync(request));
    }

    [Theory]
    [InlineData("GET /{0} HTTP/1.1\r\nHost: localhost\r\n\r\n", 9_000, "HTTP/1.1 414")]
    [InlineData("GET /model HTTP/1.1\r\nHost: localhost\r\nX: {0}\r\n\r\n", 40_000, "HTTP/1.1 431")]
    [InlineData("nonsense{0}\r\n\r\n", 1, "HTTP/1.1 400")]
    public async Task TheServerRefusesAHeadThatItCannotReadByAStatusAlone(string head, int letters, string answer)
    {
        await using var service = await TestService.StartAsync($"Model={_folder["model.zip"]}");
        using var connection = new TcpClient(service.Client.BaseAddress!.Host, service.Client.BaseAddress.Port);
        await connection.GetStream()
            .WriteAsync(Encoding.ASCII.GetBytes(string.Format(CultureInfo.InvariantCulture, head, new string('a', letters))));
        using var reader = new StreamReader(connection.GetStream());

        Assert.StartsWith(answer, await reader.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Null(service.Log.Lines.FirstOrDefault(line => !line.StartsWith("Debug") && line.Contains("   at ")));
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
        await using var service = await TestService.StartReadyAsync(
            _folder["model.zip"], "MaxImageBytes=1000", "MaxPixels=77", "MaxBatchImages=3", "MaxBatchBytes=5000");

        var limits = (await Answers.JsonAsync(await service.Client.GetAsync("model"))).GetProperty("limits");

        Assert.Equal("""{"imageBytes":1000,"pixels":77,"batchImages":3,"batchBytes":5000}""", JsonSerializer.Serialize(limits));
    }
}
