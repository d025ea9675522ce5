using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;
using Studio.Tests.Hosting;

namespace Studio.Tests;

/// <summary>What other pages in the browser, other programs and hostile files must not be able to do.</summary>
public sealed partial class SafetyTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestStudio _studio = null!;

    public async Task InitializeAsync()
    {
        Drawn.Project(_folder["project"], 3, "circle", "star");
        _studio = await TestStudio.StartAsync(_folder["project"]);
    }

    public async Task DisposeAsync()
    {
        await _studio.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/project")]
    [InlineData("/0000000000000000000000000000000/api/project")]
    public async Task WithoutTheTokenThereIsNothing(string path)
    {
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri(new Uri(_studio.Address), path));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.DoesNotContain("circle", await answer.Content.ReadAsStringAsync());
    }

    // A name of another page's own that leads to this machine, or a script of that page.
    [Theory]
    [InlineData("Host", "studio.example")]
    [InlineData("Origin", "https://other.example")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task RequestsFromElsewhereAreRefused(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_studio.Address}api/classes")
        {
            Content = JsonContent.Create(new { name = "stranger" }),
        };
        request.Headers.TryAddWithoutValidation(header, value);
        using var answer = await _studio.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(Directory.Exists(_folder["project/stranger"]));
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task ThePageRunsNoScriptButItsOwn()
    {
        using var answer = await _studio.Client.GetAsync("");
        var page = await answer.Content.ReadAsStringAsync();

        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self';", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.DoesNotMatch(InlineScript(), page);
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
    }

    [Theory]
    [InlineData("../outside.png")]
    [InlineData("circle/../../outside.png")]
    [InlineData("/etc/passwd")]
    [InlineData("circle/..\\..\\outside.png")]
    [InlineData("studio.json")]
    [InlineData("runs/run-1/batch.png")]
    [InlineData("trash/circle/a.png")]
    [InlineData(".hidden/a.png")]
    public async Task NoPathLeavesTheImagesOfTheProject(string path)
    {
        Directory.CreateDirectory(_folder["project/trash/circle"]);
        Directory.CreateDirectory(_folder["project/runs/run-1"]);
        Directory.CreateDirectory(_folder["project/.hidden"]);
        foreach (var file in (string[])["outside.png", "project/trash/circle/a.png", "project/runs/run-1/batch.png",
            "project/.hidden/a.png"])
        {
            File.WriteAllBytes(_folder[file], Drawn.Pictures("circle", 1)[0]);
        }

        using var seen = await _studio.Client.GetAsync($"api/thumbnail?image={Uri.EscapeDataString(path)}");
        using var moved = await _studio.Client.PostAsJsonAsync("api/images/trash", new { images = new[] { path } });

        Assert.InRange((int)seen.StatusCode, 400, 404);
        Assert.InRange((int)moved.StatusCode, 400, 404);
        Assert.True(File.Exists(_folder["outside.png"]));
        Assert.True(File.Exists(_folder["project/studio.json"]));
    }

    [Theory]
    [InlineData("circle/./circle 0000.png")]
    [InlineData("circle//circle 0000.png")]
    [InlineData("./circle/circle 0000.png")]
    public async Task AnImageHasOnePath(string path)
    {
        using var moved = await _studio.Client.PostAsJsonAsync("api/images/trash", new { images = new[] { path } });

        Assert.Equal(HttpStatusCode.NotFound, moved.StatusCode);
        Assert.Equal(3, Directory.GetFiles(_folder["project/circle"]).Length);
    }

    [SkippableFact]
    public async Task LinksAreNotFollowed()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows lets administrators alone make links");
        Directory.CreateDirectory(_folder["elsewhere"]);
        File.WriteAllBytes(_folder["elsewhere/secret.png"], Drawn.Pictures("circle", 1)[0]);
        File.CreateSymbolicLink(_folder["project/circle/link.png"], _folder["elsewhere/secret.png"]);
        Directory.CreateSymbolicLink(_folder["project/circle/folder"], _folder["elsewhere"]);
        Directory.CreateSymbolicLink(_folder["project/linked"], _folder["elsewhere"]);

        var project = await _studio.GetAsync("project");
        var images = await _studio.GetAsync("images?class=circle");

        Assert.DoesNotContain("linked", project.GetProperty("classes").ToString());
        Assert.Equal(3, images.GetProperty("total").GetInt32());
        foreach (var path in (string[])["circle/link.png", "circle/folder/secret.png", "linked/secret.png"])
        {
            using var answer = await _studio.Client.GetAsync($"api/thumbnail?image={Uri.EscapeDataString(path)}");
            Assert.InRange((int)answer.StatusCode, 400, 404);
        }
    }

    // A project may come from anybody, its list of changes too.
    [SkippableTheory]
    [InlineData("../outside.png", "circle/circle 0000.png")]
    [InlineData("circle/new.png", "../secret.png")]
    [InlineData("runs/new.png", "circle/circle 0000.png")]
    [InlineData("circle/new.png", "studio.json/../../secret.png")]
    [InlineData("linked/new.png", "circle/circle 0000.png")]
    [InlineData("circle/new.png", "linked/secret.png")]
    public async Task UndoMovesNothingInOrOutOfTheProject(string from, string to)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows lets administrators alone make links");
        Directory.CreateDirectory(_folder["elsewhere"]);
        foreach (var file in (string[])["elsewhere/secret.png", "secret.png"])
        {
            File.WriteAllBytes(_folder[file], Drawn.Pictures("circle", 1)[0]);
        }

        Drawn.Project(_folder["shared"], 1, "circle");
        Directory.CreateSymbolicLink(_folder["shared/linked"], _folder["elsewhere"]);
        File.WriteAllText(_folder["shared/undo.json"], $$"""
            { "changes": [{ "what": "it", "when": "2026-01-01T00:00:00Z", "moves": [{ "from": "{{from}}", "to": "{{to}}" }] }] }
            """);
        await using var studio = await TestStudio.StartAsync(_folder["shared"]);
        using var refused = await studio.Client.PostAsJsonAsync("api/undo", new { });
        using var second = await studio.Client.PostAsJsonAsync("api/undo", new { });

        Assert.InRange((int)refused.StatusCode, 400, 409);
        Assert.Contains("nothing to take back", await second.Content.ReadAsStringAsync()); // it does not stand in the way
        Assert.True(File.Exists(_folder["shared/circle/circle 0000.png"]));
        Assert.True(File.Exists(_folder["secret.png"]) && File.Exists(_folder["elsewhere/secret.png"]));
        Assert.Single(Directory.GetFiles(_folder["elsewhere"]));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData(".hidden")]
    [InlineData("dot.")]
    [InlineData("CON")]
    [InlineData("runs")]
    [InlineData("a:b")]
    [InlineData("")]
    [InlineData("line\nbreak")]
    public async Task ClassesHaveNamesThatAreFolders(string name)
    {
        using var answer = await _studio.Client.PostAsJsonAsync("api/classes", new { name });

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.NotEmpty((await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("message").GetString()!);
        Assert.Equal(2, (await _studio.GetAsync("project")).GetProperty("classes").GetArrayLength());
    }

    [Theory]
    [InlineData("../../outside.png")]
    [InlineData("..\\outside.png")]
    [InlineData("<img src=x onerror=alert(1)>.png")]
    [InlineData("AUX.png")]
    [InlineData(".png")]
    [InlineData("page.html")]
    public async Task UploadsAreFilesOfTheirClassWhateverTheirName(string name)
    {
        using var answer = await _studio.UploadAsync(name, Drawn.Pictures("circle", 1)[0], "circle");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(File.Exists(_folder["outside.png"]));
        var files = Directory.GetFiles(_folder["project/circle"]).Select(path => Path.GetFileName(path)!).Where(file =>
            !file.StartsWith("circle ")).ToArray();
        Assert.EndsWith(".png", Assert.Single(files));
        Assert.DoesNotContain('<', files[0]);
    }

    [Fact]
    public async Task UploadsAreBoundedBeforeTheyAreDecoded()
    {
        using var text = await _studio.UploadAsync("a.png", "not an image"u8.ToArray(), "circle");
        using var huge = await _studio.UploadAsync("b.png", ClaimedSize(20_000, 20_000), "circle");
        using var empty = await _studio.UploadAsync("c.png", [], "circle");
        using var long_ = await _studio.UploadAsync("d.png", new byte[(64 << 20) + 100], "circle");

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, huge.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, long_.StatusCode);
        Assert.Equal(3, Directory.GetFiles(_folder["project/circle"]).Length);
    }

    [Theory]
    [InlineData("run-1/../..")]
    [InlineData("..")]
    [InlineData("run-01")]
    [InlineData("run-9")]
    public async Task ThereAreNoRunsButTheProjects(string id)
    {
        using var answer = await _studio.Client.GetAsync($"api/runs/{Uri.EscapeDataString(id)}");
        using var file = await _studio.Client.GetAsync($"api/runs/{Uri.EscapeDataString(id)}/download/model.zip");

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, file.StatusCode);
    }

    // A PNG of one pixel whose header claims more.
    private static byte[] ClaimedSize(int width, int height)
    {
        var png = Drawn.Pictures("circle", 1)[0];
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));
        return png;
    }

    private static uint Crc(ReadOnlySpan<byte> content)
    {
        var crc = uint.MaxValue;
        foreach (var value in content)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }

    [GeneratedRegex(@"<script(?![^>]*\bsrc=)|\son\w+=|javascript:", RegexOptions.IgnoreCase)]
    private static partial Regex InlineScript();
}
