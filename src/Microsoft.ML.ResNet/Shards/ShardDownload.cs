using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Microsoft.ML.ResNet.Shards;

/// <summary>
/// A file on the web, read from first to last. Where the connection breaks, or gives nothing for too long, a new one goes on from the byte
/// that was due; what is read is one and the same version of the file, or an error.
/// </summary>
internal sealed class ShardDownload(Uri address, long offset, ShardConnections connections) : Stream
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(1);

    private long _position = offset; // of the next byte
    private long? _length;           // of the file, where the server tells it
    private EntityTagHeaderValue? _version;
    private DateTimeOffset? _changed;
    private HttpResponseMessage? _response;
    private Stream? _content;
    private int _failures;           // in turn

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        while (_length is not { } length || _position < length)
        {
            try
            {
                _content ??= Connect();
                if (_content is null)
                {
                    return 0; // there is no byte at that place
                }

                var read = ReadInTime(buffer.AsMemory(offset, count));
                _position += read;
                if (read > 0)
                {
                    _failures = 0;
                    return read;
                }

                if (_length is null)
                {
                    return 0; // the server did not say how much it is: the archive's own end tells
                }

                throw new HttpIOException(HttpRequestError.ResponseEnded, "the connection ended too early");
            }
            catch (Exception exception) when (IsPassing(exception))
            {
                Disconnect();
                if (_failures++ >= connections.Retries)
                {
                    throw new IOException(
                        $"Shard '{address}' cannot be read past byte {_position.ToString(CultureInfo.InvariantCulture)}, and was tried "
                        + $"{_failures} times: {exception.Message.TrimEnd('.')}.", exception);
                }

                Thread.Sleep(TimeSpan.FromTicks(Math.Min(LongestDelay.Ticks, connections.RetryDelay.Ticks << Math.Min(_failures - 1, 16))));
            }
        }

        return 0;
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Disconnect();
        }

        base.Dispose(disposing);
    }

    // What another attempt may mend.
    private static bool IsPassing(Exception exception) => exception switch
    {
        HttpRequestException { StatusCode: { } status } => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            || (int)status >= 500,
        HttpRequestException or OperationCanceledException => true, // no connection; too slow
        ShardUnreadableException => false,
        IOException => true,
        _ => false,
    };

    private int ReadInTime(Memory<byte> buffer)
    {
        using var late = new CancellationTokenSource(connections.ReadTimeout);
        var reading = _content!.ReadAsync(buffer, late.Token);
        return reading.IsCompletedSuccessfully ? reading.Result : reading.AsTask().GetAwaiter().GetResult();
    }

    private Stream? Connect()
    {
        using var late = new CancellationTokenSource(connections.ReadTimeout);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (_position > 0)
        {
            request.Headers.Range = new RangeHeaderValue(_position, null);
        }

        _response = connections.Client.Send(request, HttpCompletionOption.ResponseHeadersRead, late.Token);
        if (_response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return null;
        }

        if (!_response.IsSuccessStatusCode && !IsPassing(new HttpRequestException(null, null, _response.StatusCode)))
        {
            throw new ShardUnreadableException(
                $"Shard '{address}' cannot be fetched: the server answers {(int)_response.StatusCode} ({_response.ReasonPhrase}).");
        }

        _response.EnsureSuccessStatusCode();
        var isRest = _response.StatusCode == HttpStatusCode.PartialContent;
        var range = _response.Content.Headers.ContentRange;
        if (isRest && range?.From != _position)
        {
            throw new ShardUnreadableException(
                $"Shard '{address}' cannot be read: asked from byte {_position} on, the server gave '{range}'.");
        }

        CheckVersion(isRest ? range!.Length : _response.Content.Headers.ContentLength);
        var content = _response.Content.ReadAsStream(late.Token);
        if (!isRest)
        {
            PassOver(content, _position); // a server without ranges
        }

        return content;
    }

    // Two versions of a file must not become one. Not every server tells all of this each time.
    private void CheckVersion(long? length)
    {
        var (version, changed) = (_response!.Headers.ETag, _response.Content.Headers.LastModified);
        if (Differ(version, _version) || Differ(changed, _changed) || Differ(length, _length))
        {
            throw new ShardUnreadableException($"Shard '{address}' was changed while it was read: start anew.");
        }

        (_version, _changed, _length) = (version ?? _version, changed ?? _changed, length ?? _length);
    }

    private static bool Differ<T>(T now, T before) => now is not null && before is not null && !now.Equals(before);

    private void PassOver(Stream content, long bytes)
    {
        var buffer = new byte[(int)Math.Min(bytes, 1 << 16)];
        while (bytes > 0)
        {
            using var late = new CancellationTokenSource(connections.ReadTimeout);
            var part = buffer.AsMemory(0, (int)Math.Min(bytes, buffer.Length));
            var read = content.ReadAsync(part, late.Token).AsTask().GetAwaiter().GetResult();
            bytes -= read > 0 ? read : throw new HttpIOException(HttpRequestError.ResponseEnded, "the connection ended too early");
        }
    }

    private void Disconnect()
    {
        _content?.Dispose();
        _response?.Dispose();
        (_content, _response) = (null, null);
    }
}

/// <summary>A shard on the web cannot be read, and trying again would not help. It is no damage, which could be passed over.</summary>
internal sealed class ShardUnreadableException(string message) : IOException(message);
