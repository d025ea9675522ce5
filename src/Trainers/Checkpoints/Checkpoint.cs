using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>The complete state of a run at one moment: which run it is, how far it is, and its tensors.</summary>
/// <remarks>
/// On disk it is a safetensors file. Its metadata holds first the checksum: the SHA-256 of the file with 64 zeros in the checksum's place;
/// then the version, the identity and the state, as JSON.
/// </remarks>
internal sealed record Checkpoint(TrainingIdentity Identity, TrainingState State, ResNetWeights Tensors)
{
    private const string Version = "1";
    private const int ChecksumLength = 64;

    // The file's first bytes, after the eight of the header's length.
    private static readonly byte[] BeforeChecksum = Encoding.ASCII.GetBytes("{\"__metadata__\":{\"checksum\":\"");
    private static readonly byte[] NoChecksum = Encoding.ASCII.GetBytes(new string('0', ChecksumLength));

    private static readonly JsonSerializerOptions Json = new()
    {
        Converters = { new JsonStringEnumConverter() },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        IgnoreReadOnlyProperties = true,
        RespectNullableAnnotations = true,
        MaxDepth = 8,
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or no checkpoint of this version.</exception>
    /// <exception cref="IOException">It cannot be read, or is a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static Checkpoint Read(string path)
    {
        using var stream = RegularFile.OpenRead(path);
        return Read(stream);
    }

    /// <summary>Reads a stream.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or no checkpoint of this version.</exception>
    public static Checkpoint Read(Stream stream)
    {
        try
        {
            var metadata = ReadMetadata(stream);
            stream.Position = 0;
            return new Checkpoint(
                JsonSerializer.Deserialize<TrainingIdentity>(metadata["identity"], Json)
                    ?? throw new InvalidDataException("its identity is null"),
                JsonSerializer.Deserialize<TrainingState>(metadata["state"], Json) ?? throw new InvalidDataException("its state is null"),
                SafetensorsFile.Read(stream, new MemoryAllowance(stream.Length, long.MaxValue))); // ours: its checksum is right
        }
        catch (Exception exception) when (exception is EndOfStreamException or JsonException or KeyNotFoundException)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    /// <summary>Writes it, and then the checksum of what was written into its place.</summary>
    public void Write(Stream stream)
    {
        using var sha256 = SHA256.Create();
        using (var hashed = new CryptoStream(stream, sha256, CryptoStreamMode.Write, leaveOpen: true))
        {
            SafetensorsFile.Write(hashed, Tensors,
                KeyValuePair.Create("checksum", Encoding.ASCII.GetString(NoChecksum)),
                KeyValuePair.Create("version", Version),
                KeyValuePair.Create("identity", JsonSerializer.Serialize(Identity, Json)),
                KeyValuePair.Create("state", JsonSerializer.Serialize(State, Json)));
        }

        stream.Position = sizeof(long) + BeforeChecksum.Length;
        stream.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(sha256.Hash!)));
    }

    // After the checksum and the version have been held against it.
    private static Dictionary<string, string> ReadMetadata(Stream stream)
    {
        var stored = ReadChecksum(stream);
        var metadata = SafetensorsFile.ReadMetadata(stream);
        var version = metadata.GetValueOrDefault("version");
        if (version != Version)
        {
            throw new InvalidDataException($"it is of version {version ?? "none"}, and version {Version} is read");
        }

        return stored == Checksum(stream) ? metadata : throw new InvalidDataException("its checksum is wrong");
    }

    private static string ReadChecksum(Stream stream)
    {
        Span<byte> start = stackalloc byte[sizeof(long) + BeforeChecksum.Length + ChecksumLength];
        stream.Position = 0;
        stream.ReadExactly(start);
        stream.Position = 0;
        return start[sizeof(long)..].StartsWith(BeforeChecksum)
            ? Encoding.ASCII.GetString(start[^ChecksumLength..])
            : throw new InvalidDataException("it does not start with a checksum");
    }

    private static string Checksum(Stream stream)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        stream.Position = 0;
        stream.ReadExactly(buffer.AsSpan(0, sizeof(long) + BeforeChecksum.Length));
        hash.AppendData(buffer, 0, sizeof(long) + BeforeChecksum.Length);
        hash.AppendData(NoChecksum);
        stream.Position += ChecksumLength;
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
