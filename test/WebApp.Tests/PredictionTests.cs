using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class PredictionTests(ServiceFixture fixture) : IClassFixture<ServiceFixture>
{
    private readonly TestService _service = fixture.Service;

    public static TheoryData<string, byte[]> GoodImages => new()
    {
        { "PNG", TestImages.Png(1) },
        { "PNG with transparent pixels", TestImages.TransparentPng(2) },
        { "grey PNG", TestImages.GrayPng(3) },
        { "JPEG", TestImages.Jpeg(4) },
        { "grey JPEG", TestImages.GrayJpeg(5) },
        { "WebP", TestImages.WebP(6) },
        { "BMP", TestImages.Bmp(7) },
        { "GIF", TestImages.Gif },
    };

    public static TheoryData<string, byte[], HttpStatusCode, string> BadImages => new()
    {
        { "nothing", [], HttpStatusCode.BadRequest, "no bytes" },
        { "text", "not an image"u8.ToArray(), HttpStatusCode.UnsupportedMediaType, "not a JPEG" },
        { "a PNG that ends too early", TestImages.Truncated(TestImages.Png(1)), HttpStatusCode.UnprocessableEntity, "damaged" },
        {
            "a JPEG that is cut short, with the mark of its end restored",
            [.. TestImages.Truncated(TestImages.Jpeg(1)), 0xff, 0xd9], HttpStatusCode.UnprocessableEntity, "damaged"
        },
        { "a JPEG that ends too early", TestImages.Truncated(TestImages.Jpeg(1)), HttpStatusCode.UnprocessableEntity, "damaged" },
        {
            "30,000 × 30,000 pixels, refused by its header: there are none to decode",
            TestImages.PngHeader(30_000, 30_000), HttpStatusCode.RequestEntityTooLarge, "30,000 × 30,000 pixels; 1,000,000"
        },
        { "one byte too many", new byte[100_001], HttpStatusCode.RequestEntityTooLarge, "100,001 bytes; 100,000" },
    };

    [Theory]
    [MemberData(nameof(GoodImages))]
    public async Task GivesTheScoresThatPlainMLNetGivesForTheFile(string name, byte[] image)
    {
        Assert.NotEmpty(name);
        var expected = fixture.Reference.Of(image);

        Answers.AssertPredictions(expected, (await Answers.JsonAsync(await _service.PostAsync(image))).GetProperty("predictions"));
        Answers.AssertPredictions(
            expected, (await Answers.JsonAsync(await _service.PostFormAsync("predict", ("any.name", image)))).GetProperty("predictions"));
    }

    [Theory]
    [MemberData(nameof(BadImages))]
    public async Task RefusesABadImageByItselfAndInABatch(string name, byte[] image, HttpStatusCode status, string detail)
    {
        Assert.NotEmpty(name);
        var good = TestImages.Png(8);

        await Answers.AssertProblemAsync(status, detail, await _service.PostAsync(image));
        var batch = (await Answers.JsonAsync(await _service.PostFormAsync(
            "predict/batch", ("first.png", good), ("bad.png", image), ("last.png", good)))).GetProperty("images");

        Assert.Equal(["first.png", "bad.png", "last.png"], batch.EnumerateArray().Select(each => each.GetProperty("name").GetString()));
        Answers.AssertPredictions(fixture.Reference.Of(good), batch[0].GetProperty("predictions"));
        Answers.AssertProblem(status, detail, batch[1].GetProperty("error"));
        Assert.Equal(JsonValueKind.Null, batch[1].GetProperty("predictions").ValueKind);
        Answers.AssertPredictions(fixture.Reference.Of(good), batch[2].GetProperty("predictions"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    public async Task ReturnsAsManyClassesAsAsked(int top)
    {
        var image = TestImages.Png(9);

        Answers.AssertPredictions(
            fixture.Reference.Of(image),
            (await Answers.JsonAsync(await _service.PostAsync(image, $"predict?top={top}"))).GetProperty("predictions"),
            top);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("7")]
    [InlineData("99999999999999999999")]
    [InlineData("2.5")]
    [InlineData("many")]
    [InlineData("")]
    public async Task SaysWhatIsWrongWithTop(string top)
    {
        var answer = await _service.PostAsync(TestImages.Png(1), $"predict?top={top}");

        var detail = $"top is '{top}', but must be a whole number from 1 to 6, the number of the model's classes.";
        await Answers.AssertProblemAsync(HttpStatusCode.BadRequest, detail, answer);
    }

    [Theory]
    [InlineData("", false)] // as it is when nothing is set
    [InlineData("UnsureBelow=0", false)]
    [InlineData("UnsureBelow=1", true)]
    public async Task SaysThatItIsUnsureBelowTheThreshold(string option, bool unsure)
    {
        await using var service = await TestService.StartReadyAsync(fixture.ModelPath, option.Length > 0 ? [option] : []);

        var one = await Answers.JsonAsync(await service.PostAsync(TestImages.Png(1)));
        var several = await Answers.JsonAsync(await service.PostFormAsync(
            "predict/batch", ("good.png", TestImages.Png(1)), ("bad.png", [1, 2, 3])));

        Assert.Equal(unsure, one.GetProperty("unsure").GetBoolean());
        Assert.Equal(unsure, several.GetProperty("images")[0].GetProperty("unsure").GetBoolean());
        Assert.Equal(JsonValueKind.Null, several.GetProperty("images")[1].GetProperty("unsure").ValueKind);
    }

    // Just above and just below the best class's probability.
    [Fact]
    public async Task TheThresholdIsThatOfTheMostProbableClass()
    {
        var best = fixture.Reference.Of(TestImages.Png(1)).Values.Max();
        foreach (var (threshold, unsure) in new[] { (best - 0.001f, false), (best, false), (best + 0.001f, true) })
        {
            var option = string.Create(CultureInfo.InvariantCulture, $"UnsureBelow={threshold:r}");
            await using var service = await TestService.StartReadyAsync(fixture.ModelPath, option);

            Assert.Equal(unsure, (await Answers.JsonAsync(await service.PostAsync(TestImages.Png(1)))).GetProperty("unsure").GetBoolean());
            var model = await Answers.JsonAsync(await service.Client.GetAsync("model"));
            Assert.Equal(threshold, model.GetProperty("unsureBelow").GetSingle());
        }
    }

    [Fact]
    public async Task TurnsAPhotographAsItsOrientationSaysWhereThatIsWanted()
    {
        await using var turning = await TestService.StartReadyAsync(fixture.ModelPath, "ApplyExifOrientation=true");
        var answers = new HashSet<string>();
        for (var orientation = 1; orientation <= 8; orientation++)
        {
            foreach (var image in new[] { TestImages.Jpeg(3), TestImages.GrayJpeg(3) })
            {
                var photograph = ImageFiles.WithOrientation(image, orientation);
                using var upright = ResNetImage.Decode(photograph, applyExifOrientation: true);

                var turned = (await Answers.JsonAsync(await turning.PostAsync(photograph))).GetProperty("predictions");
                var stored = (await Answers.JsonAsync(await _service.PostAsync(photograph))).GetProperty("predictions");

                Answers.AssertPredictions(fixture.Reference.Of(TestImages.Png(upright)), turned);
                Answers.AssertPredictions(fixture.Reference.Of(image), stored);
                answers.Add(turned.ToString());
            }
        }

        Assert.Equal(16, answers.Count);
    }

    [Fact]
    public async Task SaysWhatIsWrongWithABody()
    {
        var image = TestImages.Png(1);
        var files = Enumerable.Range(1, 11).Select(i => ($"{i}.png", image)).ToArray();
        var broken = new ByteArrayContent("--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nno end"u8.ToArray());
        broken.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=x");

        await Answers.AssertProblemAsync(
            HttpStatusCode.BadRequest, "2 files, but must have one", await _service.PostFormAsync("predict", files[..2]));
        await Answers.AssertProblemAsync(
            HttpStatusCode.BadRequest, "11 files; 10 are accepted", await _service.PostFormAsync("predict/batch", files));
        await Answers.AssertProblemAsync(
            HttpStatusCode.BadRequest,
            "has no file",
            await _service.Client.PostAsync("predict/batch", new MultipartFormDataContent { { new StringContent("x"), "y" } }));
        await Answers.AssertProblemAsync(
            HttpStatusCode.UnsupportedMediaType, "must be multipart/form-data", await _service.PostAsync(image, "predict/batch"));
        await Answers.AssertProblemAsync(
            HttpStatusCode.BadRequest, "cannot be read", await _service.Client.PostAsync("predict/batch", broken));
    }

    [Theory]
    [InlineData("multipart/form-data", HttpStatusCode.BadRequest)]
    [InlineData("multipart/form-data; boundary=", HttpStatusCode.BadRequest)]
    [InlineData("multipart/form-data; boundary=\"a", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("multipart/form-data; boundary={long}", HttpStatusCode.BadRequest)]
    [InlineData("multipart/form-data-x; boundary=x", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("multipart/form-data,; boundary=x", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("multipart/form-data; boundary=x; charset=utf-7", HttpStatusCode.BadRequest)]
    [InlineData("multipart/mixed; boundary=x", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType)]
    public async Task RefusesABodyWhoseTypeIsOdd(string type, HttpStatusCode status)
    {
        foreach (var path in (string[])["predict", "predict/batch"])
        {
            var content = new ByteArrayContent("--y\r\nContent-Disposition: form-data; filename=b\r\n\r\n\r\n--y--\r\n"u8.ToArray());
            content.Headers.TryAddWithoutValidation("Content-Type", type.Replace("{long}", new string('1', 130)));

            await AssertRefusedAsync(status, await _service.Client.PostAsync(path, content));
        }
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest)]
    [InlineData("--x--\r\n", HttpStatusCode.BadRequest)]
    [InlineData("--x\r\n\r\nno name\r\n--x--\r\n", HttpStatusCode.BadRequest)]
    [InlineData("--x\r\nContent-Disposition: form-data; name=\"\"; filename=\"\"\r\n\r\n\r\n--x--\r\n", HttpStatusCode.BadRequest)]
    [InlineData("--x\r\nContent-Disposition: attachment; filename=b\r\n\r\nc\r\n--x--\r\n", HttpStatusCode.BadRequest)]
    [InlineData("--x\r\nContent-Disposition: form-data; name=a; filename=b\r\nno colon\r\n\r\nc\r\n--x--\r\n", HttpStatusCode.BadRequest)]
    [InlineData("--x\r\nContent-Disposition: form-data; filename=\"../../b\"\r\n\r\nc\r\n--x--\r\n", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("{parts}", HttpStatusCode.BadRequest)]
    [InlineData("{headers}", HttpStatusCode.BadRequest)]
    public async Task RefusesAFormThatIsOdd(string body, HttpStatusCode status)
    {
        body = body
            .Replace("{parts}", Repeat(1500, "--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc\r\n") + "--x--\r\n")
            .Replace("{headers}", $"--x\r\n{Repeat(200, "X: x\r\n")}\r\nc\r\n--x--\r\n");
        var content = new StringContent(body);
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=x");

        await AssertRefusedAsync(status, await _service.Client.PostAsync("predict", content));
    }

    private static string Repeat(int count, string text) => string.Concat(Enumerable.Repeat(text, count));

    private async Task AssertRefusedAsync(HttpStatusCode status, HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal((status, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.DoesNotContain("   at ", text);
        Assert.DoesNotContain(AppContext.BaseDirectory, text);
        Answers.AssertSecurityHeaders(response);
        Assert.DoesNotContain(_service.Log.Lines, line => line.StartsWith("Error"));
    }

    [Fact]
    public async Task LogsNothingOfAnImage()
    {
        var image = TestImages.Png(10);
        await _service.PostFormAsync("predict/batch", ("holiday.png", image), ("secret.txt", "confidential"u8.ToArray()));
        await _service.PostAsync("confidential"u8.ToArray());

        var lines = _service.Log.Lines;
        Assert.Contains(lines, line => line.Contains("Classified 1 images, and refused 1"));
        Assert.Contains(lines, line => line.Contains("Refused an image: Not an image"));
        Assert.DoesNotContain(
            lines,
            line => line.Contains("holiday") || line.Contains("secret") || line.Contains("confidential") || line.Contains("PNG\r\n"));
        Assert.DoesNotContain(lines, line => line.StartsWith("Error"));
    }
}
