using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace WebApp.Tests.Hosting;

/// <summary>The service in this process, on a port of its own.</summary>
internal sealed class TestService : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestService(WebApplication app, RecordedLog log)
    {
        (_app, Log) = (app, log);
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public HttpClient Client { get; }

    public RecordedLog Log { get; }

    public string Url => Client.BaseAddress!.ToString();

    /// <summary>Starts the service.</summary>
    /// <param name="options">Its options, such as <c>Engines=1</c>.</param>
    public static async Task<TestService> StartAsync(params string[] options)
    {
        var log = new RecordedLog();
        var app = ClassifierService.Build(
            ["--urls", "http://127.0.0.1:0", .. options.Select(option => $"--Classifier:{option}")],
            builder =>
            {
                builder.Configuration["Logging:LogLevel:Default"] =
                    builder.Configuration["Logging:LogLevel:Microsoft.AspNetCore"] = "Trace";
                builder.Logging.ClearProviders().AddProvider(log);
            });
        await app.StartAsync();
        return new TestService(app, log);
    }

    public static async Task<TestService> StartReadyAsync(string model, params string[] options)
    {
        var service = await StartAsync([$"Model={model}", .. options]);
        var last = (await service.WaitAsync(health => health.GetProperty("status").GetString() is "ready" or "failed"))[^1];
        Assert.True(last.GetProperty("status").GetString() == "ready", last.ToString());
        return service;
    }

    /// <summary>Looks at /health until it is as wanted.</summary>
    /// <returns>All answers on the way.</returns>
    public async Task<List<JsonElement>> WaitAsync(Func<JsonElement, bool> isReached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var seen = new List<JsonElement>();
        while (seen.Count == 0 || !isReached(seen[^1]))
        {
            await Task.Delay(20, limit.Token);
            seen.Add(await (await Client.GetAsync("health", limit.Token)).Content.ReadFromJsonAsync<JsonElement>(limit.Token));
        }

        return seen;
    }

    public Task<HttpResponseMessage> PostAsync(byte[] image, string path = "predict") =>
        Client.PostAsync(path, new ByteArrayContent(image));

    public Task<HttpResponseMessage> PostFormAsync(string path, params (string Name, byte[] Content)[] files)
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, content) in files)
        {
            form.Add(new ByteArrayContent(content) { Headers = { ContentType = new MediaTypeHeaderValue("image/png") } }, "images", name);
        }

        return Client.PostAsync(path, form);
    }

    /// <summary>Starts a request whose body does not end yet.</summary>
    public async Task<OpenRequest> OpenAsync(
        byte[] body, int sent, string path = "predict", string contentType = "image/png", string from = "127.0.0.1")
    {
        var connection = new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0));
        await connection.ConnectAsync(Client.BaseAddress!.Host, Client.BaseAddress.Port);
        var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {contentType}\r\n"
            + $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n"));
        await stream.WriteAsync(body.AsMemory(0, sent));
        return new OpenRequest(connection, body.AsMemory(sent));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    internal sealed class OpenRequest(TcpClient connection, ReadOnlyMemory<byte> rest) : IDisposable
    {
        private int _sent;

        public async Task FinishAsync() => await connection.GetStream().WriteAsync(rest[_sent..]);

        /// <summary>Sends a few bytes more, if the other side still takes them.</summary>
        public async Task DripAsync(int bytes)
        {
            try
            {
                await connection.GetStream().WriteAsync(rest.Slice(_sent, bytes));
                _sent += bytes;
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
            {
                // It was sent away.
            }
        }

        /// <summary>
        /// Reads the answer. Of a body that did not come, the server takes the rest for some seconds after it: that is not waited for.
        /// </summary>
        public async Task<string> ReadAsync()
        {
            var (text, buffer) = (new StringBuilder(), new byte[4096]);
            int count;
            while (!text.ToString().EndsWith("\r\n0\r\n\r\n") && (count = await connection.GetStream().ReadAsync(buffer)) > 0)
            {
                text.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }

            return text.ToString();
        }

        public void Dispose() => connection.Dispose();
    }
}
