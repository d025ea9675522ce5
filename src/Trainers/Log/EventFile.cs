using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace Microsoft.ML.ResNet.Trainers.Log;

/// <summary>A file of scalars that TensorBoard reads.</summary>
/// <remarks>
/// The messages are TorchSharp's; the file is not written by its SummaryWriter, whose clock is a float of ticks where TensorBoard reads
/// seconds, and whose steps are 32 bits. The form is TensorFlow's TFRecord: length (8 bytes, little-endian), its checksum (4), the message,
/// its checksum (4): https://www.tensorflow.org/tutorials/load_data/tfrecord. Each record is handed to the system at once, so that a killed
/// process leaves whole ones.
/// </remarks>
internal sealed class EventFile : IDisposable
{
    private const int LengthSize = sizeof(ulong);
    private const int ChecksumSize = sizeof(uint);

    private readonly TimeProvider _time;
    private readonly FileStream _stream;

    /// <summary>
    /// Starts a file in a folder, which is made if it is not there. TensorBoard reads a folder's files in the order of their names.
    /// </summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public EventFile(string folder, TimeProvider time)
    {
        _time = time;
        Directory.CreateDirectory(folder);
        var name = string.Create(
            CultureInfo.InvariantCulture, $"events.out.tfevents.{time.GetUtcNow().ToUnixTimeSeconds():d10}.{Environment.ProcessId}");
        _stream = new FileStream(Path.Combine(folder, name), FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        Write(new Event { FileVersion = "brain.Event:2" });
    }

    /// <summary>
    /// Tells TensorBoard that a run starts, or goes on, at a step: what it knew of that step and later ones is forgotten.
    /// </summary>
    public void StartAt(long step) =>
        Write(new Event { Step = step, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });

    /// <summary>Adds values of a step.</summary>
    public void Add(long step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        var summary = new Summary();
        foreach (var (tag, value) in scalars)
        {
            summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        }

        Write(new Event { Step = step, Summary = summary });
    }

    public void Dispose() => _stream.Dispose();

    private void Write(Event message)
    {
        message.WallTime = _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        var body = message.ToByteArray();
        var record = new byte[LengthSize + ChecksumSize + body.Length + ChecksumSize];
        var length = record.AsSpan(0, LengthSize);
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(LengthSize), MaskedChecksum(length));
        body.CopyTo(record.AsSpan(LengthSize + ChecksumSize));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(record.Length - ChecksumSize), MaskedChecksum(body));
        _stream.Write(record);
    }

    // CRC-32C, rotated and shifted: a checksum of data that holds checksums says little (leveldb's log format).
    private static uint MaskedChecksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}
