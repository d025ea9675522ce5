using System.Collections.Concurrent;
using System.Net;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class ParallelRequestsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // With 200 places none is sent away; with two, most are, and come again.
    [Theory]
    [InlineData(200)]
    [InlineData(2)]
    public async Task OfTwoHundredRequestsAtOnceNoneIsLostAndNoneIsAnsweredWrongly(int waiting)
    {
        TestModel.Save(_folder["model.zip"]);
        using var reference = new ReferenceScores(_folder["model.zip"]);
        await using var service = await TestService.StartReadyAsync(_folder["model.zip"], "Engines=2", $"WaitingRequests={waiting}");
        var images = Enumerable.Range(0, 20).Select(seed => seed % 2 == 0 ? TestImages.Png(seed) : TestImages.Jpeg(seed)).ToArray();
        var expected = images.Select(reference.Of).ToArray();
        Assert.Equal(images.Length, expected.Select(scores => string.Join(" ", scores.Values)).Distinct().Count());
        var sentAway = 0;

        var answered = new ConcurrentBag<int>();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            var image = i % images.Length;
            switch (i % 5)
            {
                case 0:
                    await Answers.AssertProblemAsync(
                        HttpStatusCode.UnsupportedMediaType, "not a JPEG", await SendAsync(() => service.PostAsync(new byte[1 + i])));
                    break;
                case 1:
                    await Answers.AssertProblemAsync(
                        HttpStatusCode.UnprocessableEntity,
                        "damaged",
                        await SendAsync(() => service.PostAsync(TestImages.Truncated(images[image]))));
                    break;
                case 2:
                    var one = await SendAsync(() => service.PostAsync(images[image]));
                    Answers.AssertPredictions(expected[image], (await Answers.JsonAsync(one)).GetProperty("predictions"));
                    break;
                case 3:
                    var form = await SendAsync(() => service.PostFormAsync("predict", ("x", images[image])));
                    Answers.AssertPredictions(expected[image], (await Answers.JsonAsync(form)).GetProperty("predictions"));
                    break;
                default:
                    var other = (image + 7) % images.Length;
                    var batch = (await Answers.JsonAsync(await SendAsync(() => service.PostFormAsync(
                        "predict/batch", ("x", images[image]), ("y", [1]), ("z", images[other]))))).GetProperty("images");
                    Answers.AssertPredictions(expected[image], batch[0].GetProperty("predictions"));
                    Answers.AssertProblem(HttpStatusCode.UnsupportedMediaType, "not a JPEG", batch[1].GetProperty("error"));
                    Answers.AssertPredictions(expected[other], batch[2].GetProperty("predictions"));
                    break;
            }

            answered.Add(i);
        })));

        Assert.Equal(Enumerable.Range(0, 200), answered.Order());
        if (waiting == 200)
        {
            Assert.Equal(0, sentAway);
        }

        async Task<HttpResponseMessage> SendAsync(Func<Task<HttpResponseMessage>> send)
        {
            while (true)
            {
                var response = await send();
                if (response.StatusCode != HttpStatusCode.TooManyRequests)
                {
                    return response;
                }

                Interlocked.Increment(ref sentAway);
                await Answers.AssertProblemAsync(HttpStatusCode.TooManyRequests, "4 requests", response);
                await Task.Delay(Random.Shared.Next(20, 100));
            }
        }
    }
}
