using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// The safetensors format: the length of a header in 8 bytes, the header in JSON, the tensors' bytes.
/// https://github.com/huggingface/safetensors#format
/// </summary>
internal static class SafetensorsFile
{
    private const int MaxHeaderBytes = 8 << 20; // about 120 bytes for a tensor

    public static ResNetWeights Read(Stream stream, MemoryAllowance allowance)
    {
        var header = ReadHeader(stream);
        allowance.Take(header.Length);
        var builder = new WeightsBuilder(allowance);
        var entries = SafetensorsHeader.Parse(header, builder);
        var dataStart = stream.Position;
        SafetensorsHeader.CheckOffsets(entries, dataLength: stream.Length - dataStart);
        foreach (var entry in entries)
        {
            if (builder.Declare(entry.Name, entry.Type, entry.Shape) is not { } tensor)
            {
                continue;
            }

            if (tensor.StoredBytes != entry.End - entry.Begin)
            {
                throw new InvalidDataException(
                    $"tensor {Quote(entry.Name)} is {tensor.Count:n0} {tensor.Type} values, "
                    + $"but lies in {entry.End - entry.Begin:n0} bytes");
            }

            stream.Position = dataStart + entry.Begin;
            tensor.Type.Read(stream, tensor.Allocate());
        }

        return WithFittingArchitecture(builder);
    }

    /// <summary>Gets what a file says beside its tensors.</summary>
    /// <exception cref="InvalidDataException">The header is damaged.</exception>
    public static Dictionary<string, string> ReadMetadata(Stream stream) => SafetensorsHeader.ParseMetadata(ReadHeader(stream));

    /// <summary>Writes a file.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="weights">The tensors.</param>
    /// <param name="metadata">What is said beside them; it comes first in the header, in this order.</param>
    public static void Write(Stream stream, ResNetWeights weights, params ReadOnlySpan<KeyValuePair<string, string>> metadata)
    {
        var header = SafetensorsHeader.Make(weights, metadata);
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in weights.Tensors)
        {
            stream.Write(MemoryMarshal.AsBytes(tensor.Values.Span));
        }
    }

    private static byte[] ReadHeader(Stream stream)
    {
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes || (long)length > stream.Length - stream.Position)
        {
            throw new InvalidDataException(
                $"its header claims {length:n0} bytes, "
                + $"but {stream.Length - stream.Position:n0} follow and at most {MaxHeaderBytes:n0} are read");
        }

        var header = new byte[length];
        stream.ReadExactly(header);
        return header;
    }

    // What a file says of its network holds where its tensors are such a network's; others may have changed them.
    private static ResNetWeights WithFittingArchitecture(WeightsBuilder builder)
    {
        if (builder.Architecture is not { } said)
        {
            return builder.Build();
        }

        builder.Architecture = said with { Name = builder.ArchitectureName ?? "" };
        var weights = builder.Build();
        if (ArchitectureJson.Fits(builder.Architecture, weights))
        {
            return weights;
        }

        builder.Architecture = null;
        return builder.Build();
    }
}
