using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Studio.Hosting;

namespace Studio.Tests.Hosting;

/// <summary>A studio in this process, on a port of its own.</summary>
internal sealed class TestStudio : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestStudio(WebApplication app, string address, string folder)
    {
        (_app, Address, Folder) = (app, address, folder);
        Client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(1) };
    }

    /// <summary>Gets the whole address, with the token.</summary>
    public string Address { get; }

    public string Folder { get; }

    public HttpClient Client { get; }

    public static async Task<TestStudio> StartAsync(string folder)
    {
        var options = new StudioOptions { Folder = folder, OpensBrowser = false };
        var app = StudioServer.Build(options);
        await app.StartAsync();
        return new TestStudio(app, StudioServer.AddressOf(app, options), folder);
    }

    public async Task<JsonElement> GetAsync(string path) => await Client.GetFromJsonAsync<JsonElement>($"api/{path}");

    public async Task<JsonElement> PostAsync(string path, object? body = null)
    {
        using var answer = await Client.PostAsJsonAsync($"api/{path}", body ?? new { });
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    public Task<HttpResponseMessage> UploadAsync(string name, byte[] content, string? className = null) => Client.PostAsync(
        $"api/upload?name={Uri.EscapeDataString(name)}{(className is null ? "" : $"&class={Uri.EscapeDataString(className)}")}",
        new ByteArrayContent(content));

    /// <summary>Waits until something holds of the answer to a question.</summary>
    public async Task<JsonElement> UntilAsync(string path, Func<JsonElement, bool> holds, int seconds = 60)
    {
        for (var end = Environment.TickCount64 + (1000 * seconds); ;)
        {
            var answer = await GetAsync(path);
            if (holds(answer))
            {
                return answer;
            }

            Assert.True(Environment.TickCount64 < end, $"{path} is still {answer} after {seconds} s.");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
