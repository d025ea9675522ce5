using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary>
/// The images of a command shared out over the processes that <c>mpirun</c> started, in runs of equal length, and their results joined by
/// rank 0 in the order of the images: what it writes is what one process writes. A process that was started alone has all images.
/// </summary>
/// <typeparam name="T">The result of an image.</typeparam>
internal sealed class RankResults<T>
{
    private const int MessageSize = 1 << 20;

    private readonly RankMessages? _messages;
    private readonly Action<BinaryWriter, T> _write;
    private readonly Func<BinaryReader, T> _read;
    private readonly CancellationToken _cancellation;

    /// <param name="paths">The images, the same on all ranks.</param>
    /// <param name="write">Writes a result that goes to rank 0.</param>
    /// <param name="read">Reads it there.</param>
    /// <param name="cancellation">Ends waiting for other ranks.</param>
    /// <exception cref="InvalidOperationException">A rank has other images.</exception>
    public RankResults(string[] paths, Action<BinaryWriter, T> write, Func<BinaryReader, T> read, CancellationToken cancellation)
    {
        (_write, _read, _cancellation) = (write, read, cancellation);
        var (rank, size) = (DistributedJob.Rank, DistributedJob.Size);
        Paths = paths[Start(rank)..Start(rank + 1)];
        if (size > 1)
        {
            _messages = RankMessages.Connect();
            Agree(paths);
        }

        int Start(int share) => (int)((long)paths.Length * share / size);
    }

    /// <summary>Gets this process's images.</summary>
    public string[] Paths { get; }

    /// <summary>Computes this process's results and sends them to rank 0, on all ranks but that.</summary>
    /// <param name="compute">Computes them; is given what takes them.</param>
    /// <param name="reader">Counts the images that could not be read.</param>
    /// <returns>What the process ends with: of images that could not be read rank 0 tells, or the launcher would end the job.</returns>
    public int Send(Action<Action<T>> compute, ImageReader reader)
    {
        // Rank 0 takes them when it is through with its own: until then they are kept in a file.
        using var file = new FileStream(
            Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()),
            FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, MessageSize, FileOptions.DeleteOnClose);
        using (var writer = new BinaryWriter(file, Encoding.UTF8, leaveOpen: true))
        {
            compute(result =>
            {
                writer.Write(true);
                _write(writer, result);
            });
            writer.Write(false);
            writer.Write(reader.Failed);
        }

        file.Position = 0;
        var buffer = new byte[MessageSize];
        while (file.Read(buffer) is > 0 and var count)
        {
            _messages!.Send(buffer.AsSpan(0, count));
        }

        _messages!.Finish();
        return ExitCode.Success;
    }

    /// <summary>Takes the results of the other ranks, in their order; does nothing where there are none.</summary>
    /// <param name="take">Takes a result.</param>
    /// <param name="reader">Counts the images that they could not read as well.</param>
    public void Receive(Action<T> take, ImageReader reader)
    {
        for (var rank = 1; rank < DistributedJob.Size; rank++)
        {
            using var results = new BinaryReader(new Received(_messages!, rank, _cancellation));
            while (results.ReadBoolean())
            {
                take(_read(results));
            }

            reader.AddFailed(results.ReadInt32());
        }

        _messages?.Finish();
    }

    // Before hours of work, not after it.
    private void Agree(string[] paths)
    {
        var own = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', paths)));
        if (DistributedJob.Rank > 0)
        {
            _messages!.Send([.. BitConverter.GetBytes(paths.Length), .. own]);
            return;
        }

        for (var rank = 1; rank < DistributedJob.Size; rank++)
        {
            var other = _messages!.Receive(rank, _cancellation);
            if (!other.AsSpan(sizeof(int)).SequenceEqual(own))
            {
                throw new InvalidOperationException(
                    $"Rank {rank} finds {BitConverter.ToInt32(other):n0} images and rank 0 finds {paths.Length:n0}, or they have other "
                    + "names: all ranks must be given the same images, under the same paths on every machine, and none through standard "
                    + "input, which reaches rank 0 alone.");
            }
        }
    }

    /// <summary>What a rank sends, one message after another.</summary>
    private sealed class Received(RankMessages messages, int rank, CancellationToken cancellation) : Stream
    {
        private byte[] _message = [];
        private int _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (_read == _message.Length)
            {
                (_message, _read) = (messages.Receive(rank, cancellation), 0);
            }

            var count = Math.Min(buffer.Length, _message.Length - _read);
            _message.AsSpan(_read, count).CopyTo(buffer);
            _read += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
