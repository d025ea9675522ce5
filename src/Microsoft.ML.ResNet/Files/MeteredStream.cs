namespace Microsoft.ML.ResNet.Files;

/// <summary>
/// A readable stream that refuses to give more than a number of bytes, can be stopped, and knows its position even where the one inside
/// does not.
/// </summary>
/// <param name="stream">The stream inside; it is disposed with this one.</param>
/// <param name="bytes">The number of bytes.</param>
/// <param name="tooLong">What the exception says when there are more.</param>
/// <param name="cancellation">Stops reading.</param>
internal sealed class MeteredStream(Stream stream, long bytes, string tooLong, CancellationToken cancellation = default) : Stream
{
    private const int LongestRead = 1 << 20; // between two looks at the token
    private long _read;

    /// <summary>The bytes that may still be read.</summary>
    public long BytesLeft { get; set; } = bytes;

    public override bool CanRead => true;

    public override bool CanSeek => stream.CanSeek;

    public override bool CanWrite => false;

    public override long Length => stream.Length;

    public override long Position
    {
        get => stream.CanSeek ? stream.Position : _read;
        set => stream.Position = value;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        cancellation.ThrowIfCancellationRequested();
        var read = stream.Read(buffer[..Math.Min(buffer.Length, LongestRead)]);
        _read += read;
        BytesLeft -= read;
        return BytesLeft >= 0 ? read : throw new InvalidDataException(tooLong);
    }

    public override long Seek(long offset, SeekOrigin origin) => stream.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
        }

        base.Dispose(disposing);
    }
}
