using System.Diagnostics;
using System.Net;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Api;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class SlowBodiesTests : IDisposable
{
    private const string Receiving = "Receiving a body of one client";
    private const string Finished = "Request finished HTTP/1.1 POST";

    private readonly TemporaryFolder _folder = new();

    public SlowBodiesTests() => TestModel.Save(_folder["model.zip"]);

    public void Dispose() => _folder.Dispose();

    // 300 bytes a second of each: 20 kB/s in all.
    [Fact]
    public async Task SixtySixSlowSendersHoldUpNobodyAndAreSentAway()
    {
        await using var service = await StartAsync("Engines=1", "WaitingRequests=1", "BodyTimeout=00:00:02");
        var image = TestImages.Png(1);
        byte[] form = [.. "--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n"u8, .. new byte[50_000]];
        var senders = await Task.WhenAll(Enumerable.Range(0, 66).Select(i => i % 2 == 0
            ? service.OpenAsync(new byte[50_000], sent: 300)
            : service.OpenAsync(form, sent: 300, "predict/batch", "multipart/form-data; boundary=x")));
        using var stop = new CancellationTokenSource();
        var dripping = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await Task.Delay(100);
                await Task.WhenAll(senders.Select(sender => sender.DripAsync(30)));
            }
        });

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await service.PostAsync(image)).StatusCode);
        }

        var answers = await Task.WhenAll(senders.Select(sender => sender.ReadAsync()));
        await stop.CancelAsync();
        await dripping;
        Assert.All(answers, answer => Assert.StartsWith("HTTP/1.1 408", answer));
        Assert.All(answers, answer => Assert.Contains("The body took longer than 2 s.", answer));
        Assert.Equal(66, service.Log.Lines.Count(line => line.StartsWith("Information: Gave up a body that came too slowly: ")));
        AssertNoStackTrace(service);
    }

    [Fact]
    public async Task ASenderThatIsTooSlowIsSentAwayBeforeItsTimeIsUp()
    {
        await using var service = await StartAsync("MinBodyBytesPerSecond=1000", "BodyTimeout=00:01:00", "Timeout=00:02:00");
        var watch = Stopwatch.StartNew();
        using var slow = await service.OpenAsync(new byte[50_000], sent: 300);

        var answer = await slow.ReadAsync();

        Assert.InRange(watch.Elapsed.TotalSeconds, 4, 55); // its time is a minute
        Assert.StartsWith("HTTP/1.1 408", answer);
        Assert.Contains("The body came at less than 1,000 bytes a second.", answer);
        AssertNoStackTrace(service);
    }

    [SkippableFact]
    public async Task OneClientCannotTakeThePlacesOfAnother()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux has all of 127.0.0.0/8 by itself.");
        await using var service = await StartAsync("MaxReadingBodies=4", "MaxReadingBodiesPerClient=2");
        var image = TestImages.Png(1);
        using var first = await service.OpenAsync(image, sent: 20);
        using var second = await service.OpenAsync(image, sent: 20);
        await WaitForLinesAsync(service, Receiving, 2);

        await Answers.AssertProblemAsync(HttpStatusCode.TooManyRequests, "2 of one client and 4 in all", await service.PostAsync(image));
        using var other = await service.OpenAsync(image, sent: image.Length, from: "127.0.0.2");
        Assert.StartsWith("HTTP/1.1 200", await other.ReadAsync());
        await WaitForLinesAsync(service, Finished, 2); // an answer comes before its place is free again

        // When two clients have taken all, a third gets none.
        using var third = await service.OpenAsync(image, sent: 20, from: "127.0.0.2");
        using var fourth = await service.OpenAsync(image, sent: 20, from: "127.0.0.2");
        await WaitForLinesAsync(service, Receiving, 5);
        using var late = await service.OpenAsync(image, sent: image.Length, from: "127.0.0.3");
        Assert.StartsWith("HTTP/1.1 429", await late.ReadAsync());

        foreach (var request in new[] { first, second, third, fourth })
        {
            await request.FinishAsync();
            Assert.StartsWith("HTTP/1.1 200", await request.ReadAsync());
        }

        await WaitForLinesAsync(service, Finished, 7);
        Assert.Equal(HttpStatusCode.OK, (await service.PostAsync(image)).StatusCode);
    }

    [Fact]
    public async Task AmongSlowAndBadOnesEveryGoodRequestOfSixtyFourClientsIsAnsweredRightly()
    {
        await using var service = await StartAsync("Engines=2", "WaitingRequests=64", "BodyTimeout=00:00:01");
        using var reference = new ReferenceScores(_folder["model.zip"]);
        var image = TestImages.Jpeg(3);
        var expected = reference.Of(image);
        var slow = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => service.OpenAsync(image, sent: 20)));

        await Task.WhenAll(Enumerable.Range(0, 64).Select(async client =>
        {
            for (var i = 0; i < 10; i++)
            {
                if (i == client % 10)
                {
                    var refused = await service.PostAsync(i % 2 == 0 ? TestImages.Truncated(image) : [.. image.Reverse()]);
                    Assert.InRange((int)refused.StatusCode, 415, 422);
                }
                else
                {
                    var answer = await Answers.JsonAsync(await service.PostAsync(image));
                    Answers.AssertPredictions(expected, answer.GetProperty("predictions"));
                }
            }
        }));

        Assert.All(await Task.WhenAll(slow.Select(sender => sender.ReadAsync())), answer => Assert.StartsWith("HTTP/1.1 408", answer));
        AssertNoStackTrace(service);
    }

    [Fact]
    public async Task ALargeBodyTakesMorePlaces()
    {
        await using var service = await StartAsync("MaxReadingBodiesPerClient=4", "MaxImageBytes=10000", "MaxBatchBytes=400000");
        using var large = await service.OpenAsync(new byte[300_000], sent: 20, "predict/batch", "multipart/form-data; boundary=x");
        await WaitForLinesAsync(service, Receiving, 1);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await service.PostAsync(TestImages.Png(1))).StatusCode);
        large.Dispose();
        await WaitUntilAsync(async () => (await service.PostAsync(TestImages.Png(1))).StatusCode == HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    public void AClientIsAnAddressOrANetwork(string address, string client) =>
        Assert.Equal(IPAddress.Parse(client), UploadReceiver.ClientOf(IPAddress.Parse(address)));

    private Task<TestService> StartAsync(params string[] options) => TestService.StartReadyAsync(_folder["model.zip"], options);

    private static void AssertNoStackTrace(TestService service) =>
        Assert.Equal("", string.Join('\n', service.Log.Lines.Where(line => !line.StartsWith("Debug") && line.Contains("   at "))));

    private static Task WaitForLinesAsync(TestService service, string text, int count) =>
        WaitUntilAsync(() => Task.FromResult(service.Log.Lines.Count(line => line.Contains(text)) >= count));

    private static async Task WaitUntilAsync(Func<Task<bool>> isReached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await isReached())
        {
            await Task.Delay(10, limit.Token);
        }
    }
}
