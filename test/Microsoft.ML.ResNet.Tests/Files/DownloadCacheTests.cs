using System.Net;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Files;

public sealed class DownloadCacheTests : IDisposable
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31 / 7))];

    private readonly TemporaryFolder _folder = new();
    private readonly HttpListener _server = new();
    private readonly List<string?> _ranges = [];
    private readonly PublishedFile _published;
    private int _cutAfter = int.MaxValue;

    public DownloadCacheTests()
    {
        // A free port: another test run may be under way.
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        _server.Prefixes.Add($"http://127.0.0.1:{port}/");
        _server.Start();
        _ = ServeAsync();
        _published = new PublishedFile(
            new Uri($"http://127.0.0.1:{port}/models/test-1234.pth"),
            HashAlgorithmName.SHA256,
            Convert.ToHexStringLower(SHA256.HashData(Content))[..8]);
    }

    public void Dispose()
    {
        _server.Close();
        _folder.Dispose();
    }

    [Fact]
    public void DownloadsOnceAndReportsProgress()
    {
        var progress = new Recorder();
        var path = Get(_published, progress);

        Assert.Equal(Content, File.ReadAllBytes(path));
        Assert.Equal(1, progress.Last);
        Assert.Equal(path, Get(_published));
        Assert.Single(_ranges);
    }

    [Fact]
    public void GoesOnWhereItBrokeOff()
    {
        _cutAfter = 100_000;
        Assert.ThrowsAny<IOException>(() => Get(_published));
        _cutAfter = int.MaxValue;

        Assert.Equal(Content, File.ReadAllBytes(Get(_published)));
        Assert.Null(_ranges[0]);
        Assert.Matches(@"^bytes=\d+-$", _ranges[1]);
    }

    [Fact]
    public void RefusesAndDeletesWhatWasNotPublished()
    {
        var other = _published with { HashPrefix = "00000000" };

        Assert.Contains(
            $"its SHA256 starts with {_published.HashPrefix}, not 00000000", Assert.Throws<InvalidDataException>(() => Get(other)).Message);
        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void ChecksWhicheverHashWasPublished()
    {
        var md5 = _published with
        {
            HashAlgorithm = HashAlgorithmName.MD5,
            HashPrefix = Convert.ToHexStringLower(MD5.HashData(Content)),
            Length = Content.Length,
        };

        Assert.Equal(Content, File.ReadAllBytes(Get(md5)));
        Assert.Contains(
            "its MD5 starts with", Assert.Throws<InvalidDataException>(() => Get(md5 with { HashPrefix = new string('0', 32) })).Message);
    }

    [Fact]
    public void RefusesAndDeletesWhatIsTooShort()
    {
        Assert.Contains(
            "it is 300,000 bytes long, not 300,001",
            Assert.Throws<InvalidDataException>(() => Get(_published with { Length = Content.Length + 1 })).Message);
        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void TakesNoMoreThanWasPublished()
    {
        Assert.Contains(
            "gives more than 100,000 bytes", Assert.Throws<InvalidDataException>(() => Get(_published with { Length = 100_000 })).Message);
        Assert.InRange(new FileInfo($"{_folder[_published.FileName]}.part").Length, 0, 100_000);
    }

    [Fact]
    public void ReplacesACachedFileThatIsDamaged()
    {
        File.WriteAllBytes(_folder[_published.FileName], [1, 2, 3]);

        Assert.Equal(Content, File.ReadAllBytes(Get(_published)));
    }

    [Fact]
    public void OfflineItSaysWhatToPutWhere()
    {
        _server.Stop();

        var message = Assert.ThrowsAny<IOException>(() => Get(_published)).Message;

        Assert.Contains("cannot be downloaded", message);
        Assert.Contains($"put that file at '{_folder["test-1234.pth"]}'", message);
    }

    private string Get(PublishedFile file, IProgress<double>? progress = null)
    {
        using var client = new HttpClient();
        return new DownloadCache(_folder.Path, client).Get(file, progress, CancellationToken.None);
    }

    private async Task ServeAsync()
    {
        while (_server.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _server.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var range = context.Request.Headers["Range"];
            _ranges.Add(range);
            var start = range is null ? 0 : int.Parse(range["bytes=".Length..^1]);
            context.Response.StatusCode = range is null ? 200 : 206;
            context.Response.ContentLength64 = Content.Length - start;
            try
            {
                var count = Math.Min(_cutAfter, Content.Length - start);
                await context.Response.OutputStream.WriteAsync(Content.AsMemory(start, count));
                if (count < Content.Length - start)
                {
                    context.Response.Abort();
                }
                else
                {
                    context.Response.Close();
                }
            }
            catch (HttpListenerException)
            {
                // The client has left.
            }
        }
    }

    private sealed class Recorder : IProgress<double>
    {
        public double Last { get; private set; }

        public void Report(double value) => Last = value;
    }
}
