using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class ServiceTests(ServiceFixture fixture) : IClassFixture<ServiceFixture>
{
    private readonly HttpClient _client = fixture.Service.Client;

    private static string Release =>
        XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;

    [Fact]
    public async Task DescribesItselfAsOpenApi()
    {
        var document = await Answers.JsonAsync(await _client.GetAsync("openapi/v1.json"));

        Assert.StartsWith("3.", document.GetProperty("openapi").GetString());
        var info = document.GetProperty("info");
        Assert.Equal("Image classifier", info.GetProperty("title").GetString());
        Assert.Equal(Release, info.GetProperty("version").GetString());
        var paths = document.GetProperty("paths");
        Assert.Equal(["/health", "/model", "/predict", "/predict/batch"], paths.EnumerateObject().Select(path => path.Name).Order());
        var predict = paths.GetProperty("/predict").GetProperty("post");
        Assert.Equal(
            ["application/octet-stream", "image/*", "multipart/form-data"],
            predict.GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(type => type.Name).Order());
        foreach (var path in (string[])["/predict", "/predict/batch"])
        {
            Assert.Equal(
                """{"maximum":6,"minimum":1,"type":"integer","format":"int32","default":5}""",
                JsonSerializer.Serialize(TopSchema(document, path)));
        }

        Assert.Equal(
            ["200", "400", "408", "413", "415", "422", "429", "503"],
            predict.GetProperty("responses").EnumerateObject().Select(response => response.Name).Order());
        Assert.Equal(["multipart/form-data"], paths.GetProperty("/predict/batch")
            .GetProperty("post").GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(type => type.Name));
    }

    // The bounds that the document states are those that are kept.
    [Theory]
    [InlineData("minimum", -1)]
    [InlineData("maximum", 1)]
    public async Task TheBoundsOfItsDescriptionHold(string bound, int beyond)
    {
        var document = await Answers.JsonAsync(await _client.GetAsync("openapi/v1.json"));
        foreach (var path in (string[])["predict", "predict/batch"])
        {
            var value = TopSchema(document, $"/{path}").GetProperty(bound).GetInt32();

            var within = await fixture.Service.PostFormAsync($"{path}?top={value}", ("x.png", TestImages.Png(1)));
            var outside = await fixture.Service.PostFormAsync($"{path}?top={value + beyond}", ("x.png", TestImages.Png(1)));

            Assert.Equal(HttpStatusCode.OK, within.StatusCode);
            await Answers.AssertProblemAsync(HttpStatusCode.BadRequest, "must be a whole number from 1 to 6", outside);
        }
    }

    [Fact]
    public async Task WithoutAModelItsDescriptionNamesNoMaximum()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model.zip"], "not a model");
        await using var service = await TestService.StartAsync($"Model={folder["model.zip"]}");

        var document = await Answers.JsonAsync(await service.Client.GetAsync("openapi/v1.json"));

        var schema = TopSchema(document, "/predict");
        Assert.Equal(1, schema.GetProperty("minimum").GetInt32());
        Assert.False(schema.TryGetProperty("maximum", out _));
    }

    // Whatever the client would rather have, a browser's page and an <img> among it.
    [Theory]
    [InlineData("GET", "nowhere", HttpStatusCode.NotFound, "nothing at this path")]
    [InlineData("POST", "app.js", HttpStatusCode.NotFound, "nothing at this path")]
    [InlineData("GET", "openapi/v2.json", HttpStatusCode.NotFound, "nothing at this path")]
    [InlineData("GET", "predict", HttpStatusCode.MethodNotAllowed, "GET is not for this path, which takes POST.")]
    [InlineData("PUT", "health", HttpStatusCode.MethodNotAllowed, "PUT is not for this path, which takes GET.")]
    [InlineData("POST", "predict", HttpStatusCode.BadRequest, "no bytes")]
    [InlineData("POST", "predict?top=0", HttpStatusCode.BadRequest, "top is '0'")]
    [InlineData("POST", "predict/batch", HttpStatusCode.UnsupportedMediaType, "must be multipart/form-data")]
    public async Task GivesProblemDetailsForAnyError(string method, string path, HttpStatusCode status, string detail)
    {
        foreach (var accept in (string[])["", "*/*", "application/json", "text/html", "image/avif,image/png", "no type at all;q=x"])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Headers.TryAddWithoutValidation("Accept", accept);

            await Answers.AssertProblemAsync(status, detail, await _client.SendAsync(request));
        }
    }

    [Fact]
    public async Task ARangeBeyondAFilesEndIsAProblemToo()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "app.js") { Headers = { Range = new(9_999_999, null) } };

        var response = await _client.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task ThePageLoadsNothingFromElsewhere()
    {
        var response = await _client.GetAsync("");

        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("default-src 'none'", string.Join(' ', response.Headers.GetValues("Content-Security-Policy")));
        Assert.DoesNotContain("://", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("", HttpStatusCode.OK)]
    [InlineData("app.js", HttpStatusCode.OK)]
    [InlineData("health", HttpStatusCode.OK)]
    [InlineData("openapi/v1.json", HttpStatusCode.OK)]
    [InlineData("nowhere", HttpStatusCode.NotFound)]
    [InlineData("predict", HttpStatusCode.MethodNotAllowed)]
    public async Task EveryAnswerHasSecurityHeaders(string path, HttpStatusCode status)
    {
        var response = await _client.GetAsync(path);

        Assert.Equal(status, response.StatusCode);
        Answers.AssertSecurityHeaders(response);
    }

    [Theory]
    [InlineData("predict", 1, HttpStatusCode.UnsupportedMediaType)]
    [InlineData("predict?top=0", 1, HttpStatusCode.BadRequest)]
    [InlineData("predict", 300_000, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData("predict/batch", 1, HttpStatusCode.UnsupportedMediaType)]
    public async Task EveryErrorHasSecurityHeaders(string path, int bytes, HttpStatusCode status)
    {
        var response = await fixture.Service.PostAsync(new byte[bytes], path);

        Assert.Equal(status, response.StatusCode);
        Answers.AssertSecurityHeaders(response);
    }

    [Fact]
    public void IsBuiltWithoutTorchAndWithoutWhatTrains()
    {
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var folder = Path.Combine(Repository.Root, "samples", "WebApp", "bin", framework.Parent!.Name, framework.Name);

        Assert.True(File.Exists(Path.Combine(folder, "WebApp.dll")));
        Assert.Empty(Directory.EnumerateFiles(folder, "*Torch*", SearchOption.AllDirectories));
        Assert.Empty(Directory.EnumerateFiles(folder, "Microsoft.ML.ResNet.Trainers*", SearchOption.AllDirectories));
    }

    private static JsonElement TopSchema(JsonElement document, string path)
    {
        var operation = document.GetProperty("paths").GetProperty(path).GetProperty("post");
        var parameter = operation.GetProperty("parameters").EnumerateArray().Single();
        Assert.Equal("top", parameter.GetProperty("name").GetString());
        return parameter.GetProperty("schema");
    }
}
