using System.Net;
using Microsoft.ML.ResNet.TestSupport;
using WebApp.Tests.Hosting;

namespace WebApp.Tests;

public sealed class ServiceTests(ServiceFixture fixture) : IClassFixture<ServiceFixture>
{
    private readonly HttpClient _client = fixture.Service.Client;

    [Fact]
    public async Task DescribesItselfAsOpenApi()
    {
        var document = await Answers.JsonAsync(await _client.GetAsync("openapi/v1.json"));

        Assert.StartsWith("3.", document.GetProperty("openapi").GetString());
        var paths = document.GetProperty("paths");
        Assert.Equal(["/health", "/model", "/predict", "/predict/batch"], paths.EnumerateObject().Select(path => path.Name).Order());
        var predict = paths.GetProperty("/predict").GetProperty("post");
        Assert.Equal(["application/octet-stream", "image/*", "multipart/form-data"], predict.GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(type => type.Name).Order());
        Assert.Equal("top", predict.GetProperty("parameters")[0].GetProperty("name").GetString());
        Assert.Equal(["200", "400", "408", "413", "415", "422", "429", "503"], predict.GetProperty("responses").EnumerateObject().Select(response => response.Name).Order());
        Assert.Equal(["multipart/form-data"], paths.GetProperty("/predict/batch").GetProperty("post").GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(type => type.Name));
    }

    [Theory]
    [InlineData("nowhere", HttpStatusCode.NotFound)]
    [InlineData("predict", HttpStatusCode.MethodNotAllowed)]
    public async Task GivesProblemDetailsForAnyError(string path, HttpStatusCode status)
    {
        var response = await _client.GetAsync(path);

        Assert.Equal(status, response.StatusCode);
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
    public void IsBuiltWithoutTorchAndWithoutThisLibrary()
    {
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var folder = Path.Combine(Repository.Root, "samples", "WebApp", "bin", framework.Parent!.Name, framework.Name);

        Assert.True(File.Exists(Path.Combine(folder, "WebApp.dll")));
        Assert.Empty(Directory.EnumerateFiles(folder, "*Torch*", SearchOption.AllDirectories));
        Assert.Empty(Directory.EnumerateFiles(folder, "Microsoft.ML.ResNet*", SearchOption.AllDirectories));
    }
}
