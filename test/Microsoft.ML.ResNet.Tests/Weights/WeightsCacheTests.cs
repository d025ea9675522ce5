using System.Net;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class WeightsCacheTests : IDisposable
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31 / 7))];

    private readonly TemporaryFolder _folder = new();
    private readonly HttpListener _server = new();
    private readonly List<string?> _ranges = [];
    private readonly PublishedWeights _weights;
    private int _cutAfter = int.MaxValue;

    public WeightsCacheTests()
    {
        // A free port: another test run may be under way.
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        _server.Prefixes.Add($"http://127.0.0.1:{port}/");
        _server.Start();
        _ = ServeAsync();
        _weights = new PublishedWeights("test", ResNetArchitecture.ResNet20, new Uri($"http://127.0.0.1:{port}/models/test-1234.pth"), Convert.ToHexStringLower(SHA256.HashData(Content))[..8], ImagePreprocessing.Cifar10);
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
        var path = Get(_weights, progress);

        Assert.Equal(Content, File.ReadAllBytes(path));
        Assert.Equal(1, progress.Last);
        Assert.Equal(path, Get(_weights));
        Assert.Single(_ranges);
    }

    [Fact]
    public void GoesOnWhereItBrokeOff()
    {
        _cutAfter = 100_000;
        Assert.ThrowsAny<IOException>(() => Get(_weights));
        _cutAfter = int.MaxValue;

        Assert.Equal(Content, File.ReadAllBytes(Get(_weights)));
        Assert.Null(_ranges[0]);
        Assert.Matches(@"^bytes=\d+-$", _ranges[1]);
    }

    [Fact]
    public void RefusesAndDeletesWhatWasNotPublished()
    {
        var other = _weights with { Sha256Prefix = "00000000" };

        Assert.Contains("does not start with 00000000", Assert.Throws<InvalidDataException>(() => Get(other)).Message);
        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void ReplacesACachedFileThatIsDamaged()
    {
        File.WriteAllBytes(_folder[_weights.FileName], [1, 2, 3]);

        Assert.Equal(Content, File.ReadAllBytes(Get(_weights)));
    }

    [Fact]
    public void OfflineItSaysWhatToPutWhere()
    {
        _server.Stop();

        var message = Assert.ThrowsAny<IOException>(() => Get(_weights)).Message;

        Assert.Contains("cannot be downloaded", message);
        Assert.Contains($"put that file at '{_folder["test-1234.pth"]}'", message);
    }

    [Fact]
    public void EveryRowIsNamedOnceAndItsFileCarriesItsHash()
    {
        Assert.Equal(PublishedWeights.All.Length, PublishedWeights.All.Select(weights => weights.Name).Distinct().Count());
        Assert.All(PublishedWeights.All, weights => Assert.Contains(weights.Sha256Prefix, weights.FileName));
        Assert.Contains("resnet18.imagenet1k_v1", Assert.Throws<ArgumentException>(() => PublishedWeights.Parse("resnet19")).Message);
    }

    [SkippableFact]
    public void LoadsACachedCheckpointWithItsPreprocessing()
    {
        File.Copy(Repository.Shared("weights/resnet20-12fca82f.th"), _folder["resnet20-12fca82f.th"]);

        var weights = ResNetWeights.Download("resnet20.cifar10", folder: _folder.Path);

        Assert.Equal(ImagePreprocessing.Cifar10, weights.Preprocessing);
        Assert.Equal([10, 64], weights["fc.weight"].Shape.AsEnumerable());
    }

    private string Get(PublishedWeights weights, IProgress<double>? progress = null)
    {
        using var client = new HttpClient();
        return new WeightsCache(_folder.Path, client).Get(weights, progress, CancellationToken.None);
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
