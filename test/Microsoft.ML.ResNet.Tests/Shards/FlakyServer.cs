using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.ResNet.Tests.Shards;

/// <summary>A server of files on this machine that can be told to break connections, to answer late, or to fail.</summary>
internal sealed partial class FlakyServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();

    public FlakyServer()
    {
        _listener.Start();
        Address = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _ = AcceptAsync();
    }

    public string Address { get; }

    /// <summary>Gets the files, by their path.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = [];

    /// <summary>Gets the first byte that each request asked for.</summary>
    public ConcurrentQueue<long> Starts { get; } = [];

    /// <summary>Gets or sets after how many bytes each connection breaks.</summary>
    public int BreaksAfter { get; set; } = int.MaxValue;

    /// <summary>Gets or sets whether a connection that would break stays open instead, and gives nothing.</summary>
    public bool Stalls { get; set; }

    /// <summary>Gets or sets whether parts of a file can be asked for.</summary>
    public bool HasRanges { get; set; } = true;

    /// <summary>Gets or sets how many requests are answered by <see cref="Failure"/> first.</summary>
    public int Failures { get; set; }

    public string Failure { get; set; } = "503 Service Unavailable";

    /// <summary>Gets or sets what tells one version of the files from another.</summary>
    public Func<string> Version { get; set; } = () => "1";

    public void Dispose()
    {
        _end.Cancel();
        _listener.Stop();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            var client = await _listener.AcceptTcpClientAsync();
            _ = AnswerAsync(client);
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            var stream = client.GetStream();
            var request = await ReadRequestAsync(stream);
            var start = RangePattern().Match(request) is { Success: true } range
                ? long.Parse(range.Groups[1].Value, CultureInfo.InvariantCulture)
                : 0;
            Starts.Enqueue(start);
            if (Failures-- > 0)
            {
                await WriteAsync(stream, $"HTTP/1.1 {Failure}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                return;
            }

            if (!Files.TryGetValue(request.Split(' ')[1], out var file))
            {
                await WriteAsync(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                return;
            }

            var isPart = HasRanges && start > 0;
            var content = isPart ? file[(int)start..] : file;
            var status = isPart ? $"206 Partial Content\r\nContent-Range: bytes {start}-{file.Length - 1}/{file.Length}" : "200 OK";
            await WriteAsync(
                stream, $"HTTP/1.1 {status}\r\nETag: \"{Version()}\"\r\nContent-Length: {content.Length}\r\nConnection: close\r\n\r\n");
            await stream.WriteAsync(content.AsMemory(0, Math.Min(content.Length, BreaksAfter)));
            if (Stalls && content.Length > BreaksAfter)
            {
                await Task.Delay(Timeout.Infinite, _end.Token);
            }
        }
    }

    private static async Task<string> ReadRequestAsync(NetworkStream stream)
    {
        var (request, buffer) = (new StringBuilder(), new byte[1024]);
        while (!request.ToString().Contains("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(buffer) is > 0 and var read)
        {
            request.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }

        return request.ToString();
    }

    private static async Task WriteAsync(NetworkStream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text));

    [GeneratedRegex(@"Range: bytes=(\d+)-", RegexOptions.IgnoreCase)]
    private static partial Regex RangePattern();
}
