using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// The safetensors format: the length of a header in 8 bytes, the header in JSON, the tensors' bytes.
/// https://github.com/huggingface/safetensors#format
/// </summary>
internal static class SafetensorsFile
{
    private const string MetadataKey = "__metadata__";
    private const int MaxHeaderBytes = 8 << 20; // about 120 bytes for a tensor
    private const int MaxNumbers = 64; // PyTorch's own limit of dimensions
    private const int HeaderAlignment = 8;

    public static ResNetWeights Read(Stream stream, MemoryAllowance allowance)
    {
        var header = ReadHeader(stream);
        allowance.Take(header.Length);
        var builder = new WeightsBuilder(allowance);
        var entries = ParseHeader(header, builder);
        var dataStart = stream.Position;
        CheckOffsets(entries, dataLength: stream.Length - dataStart);
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
    public static Dictionary<string, string> ReadMetadata(Stream stream)
    {
        try
        {
            using var header = JsonDocument.Parse(ReadHeader(stream));
            return header.RootElement.TryGetProperty(MetadataKey, out var metadata)
                ? metadata.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.GetString() ?? "")
                : [];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"its header is not the JSON of safetensors ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>Writes a file.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="weights">The tensors.</param>
    /// <param name="metadata">What is said beside them; it comes first in the header, in this order.</param>
    public static void Write(Stream stream, ResNetWeights weights, params ReadOnlySpan<KeyValuePair<string, string>> metadata)
    {
        var header = MakeHeader(weights, metadata);
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in weights.Tensors)
        {
            stream.Write(MemoryMarshal.AsBytes(tensor.Values.Span));
        }
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

    private static byte[] MakeHeader(ResNetWeights weights, ReadOnlySpan<KeyValuePair<string, string>> metadata)
    {
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataKey);
            foreach (var (key, value) in metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteString("format", "pt");
            if (weights.Preprocessing is { } preprocessing)
            {
                json.WriteString(WeightsMetadata.Preprocessing, WeightsMetadata.Write(preprocessing));
            }

            if (!weights.ClassNames.IsDefaultOrEmpty)
            {
                json.WriteString(WeightsMetadata.ClassNames, WeightsMetadata.Write(weights.ClassNames));
            }

            if (weights.ArchitectureName is { } architecture)
            {
                json.WriteString(WeightsMetadata.Architecture, architecture);
            }

            if (weights.Architecture is { } network && !ArchitectureJson.IsInTable(network))
            {
                json.WriteString(WeightsMetadata.ArchitectureParts, ArchitectureJson.Write(network));
            }

            // The one card that must go along: without it, labels' probabilities would be made to add up to 1.
            if (weights.Card is { IsMultilabel: true } card)
            {
                json.WriteString(WeightsMetadata.Card, WeightsMetadata.Write(card));
            }

            json.WriteEndObject();
            var offset = 0L;
            foreach (var tensor in weights.Tensors)
            {
                var end = offset + tensor.Values.Length * (long)sizeof(float);
                WriteEntry(json, tensor, offset, end);
                offset = end;
            }

            json.WriteEndObject();
        }

        while (header.Length % HeaderAlignment != 0)
        {
            header.WriteByte((byte)' ');
        }

        return header.ToArray();
    }

    private static void WriteEntry(Utf8JsonWriter json, WeightTensor tensor, long begin, long end)
    {
        if (tensor.Name == MetadataKey)
        {
            throw new InvalidOperationException(
                $"A tensor cannot be saved under the name '{MetadataKey}', which safetensors keeps for itself.");
        }

        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", "F32");
        json.WriteStartArray("shape");
        foreach (var dimension in tensor.Shape)
        {
            json.WriteNumberValue(dimension);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
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

    private static List<Entry> ParseHeader(byte[] header, WeightsBuilder builder)
    {
        var entries = new List<Entry>();
        try
        {
            // An entry's arrays are the deepest: { "name": { "shape": [ … ] } }.
            var json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 3 });
            ReadToken(ref json, JsonTokenType.StartObject);
            while (ReadProperty(ref json))
            {
                if (json.ValueTextEquals(MetadataKey))
                {
                    ReadMetadata(ref json, builder);
                }
                else if (entries.Count < WeightsBuilder.MaxTensors)
                {
                    entries.Add(ReadEntry(ref json, json.GetString()!));
                }
                else
                {
                    throw new InvalidDataException($"it holds more than {WeightsBuilder.MaxTensors:n0} tensors");
                }
            }

            // Only the padding may follow.
            if (json.Read())
            {
                throw new JsonException("more than one object");
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"its header is not the JSON of safetensors ({exception.Message.TrimEnd('.')})", exception);
        }

        return entries;
    }

    private static void ReadMetadata(ref Utf8JsonReader json, WeightsBuilder builder)
    {
        ReadToken(ref json, JsonTokenType.StartObject);
        while (ReadProperty(ref json))
        {
            var key = json.ValueTextEquals(WeightsMetadata.Preprocessing) ? WeightsMetadata.Preprocessing
                : json.ValueTextEquals(WeightsMetadata.ClassNames) ? WeightsMetadata.ClassNames
                : json.ValueTextEquals(WeightsMetadata.Architecture) ? WeightsMetadata.Architecture
                : json.ValueTextEquals(WeightsMetadata.ArchitectureParts) ? WeightsMetadata.ArchitectureParts
                : json.ValueTextEquals(WeightsMetadata.Card) ? WeightsMetadata.Card
                : null;
            ReadToken(ref json, JsonTokenType.String);
            if (key is not null)
            {
                WeightsMetadata.Read(builder, key, json.GetString()!);
            }
        }
    }

    private static Entry ReadEntry(ref Utf8JsonReader json, string name)
    {
        var (type, shape, offsets) = (default(string), default(long[]), default(long[]));
        ReadToken(ref json, JsonTokenType.StartObject);
        while (ReadProperty(ref json))
        {
            if (type is null && json.ValueTextEquals("dtype"))
            {
                ReadToken(ref json, JsonTokenType.String);
                type = json.GetString();
            }
            else if (shape is null && json.ValueTextEquals("shape"))
            {
                shape = ReadNumbers(ref json);
            }
            else if (offsets is null && json.ValueTextEquals("data_offsets"))
            {
                offsets = ReadNumbers(ref json);
            }
            else
            {
                throw new JsonException($"a tensor has only dtype, shape and data_offsets, and each once, but {Quote(name)} has more");
            }
        }

        return type is not null && shape is not null && offsets is [var begin, var end] && begin >= 0 && begin <= end
            ? new Entry(name, ToElementType(name, type), shape, begin, end)
            : throw new InvalidDataException($"tensor {Quote(name)} lacks a type, a shape or two ascending offsets");
    }

    private static void ReadToken(ref Utf8JsonReader json, JsonTokenType expected)
    {
        if (!json.Read() || json.TokenType != expected)
        {
            throw new JsonException($"{expected} expected at byte {json.TokenStartIndex}");
        }
    }

    // Goes to the name of the object's next property; false at its end.
    private static bool ReadProperty(ref Utf8JsonReader json) => json.Read() && json.TokenType == JsonTokenType.PropertyName;

    private static long[] ReadNumbers(ref Utf8JsonReader json)
    {
        var numbers = new List<long>();
        ReadToken(ref json, JsonTokenType.StartArray);
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            numbers.Add(json.GetInt64());
            if (numbers.Count > MaxNumbers)
            {
                throw new JsonException("a list of numbers is longer than any shape");
            }
        }

        return [.. numbers];
    }

    private static ElementType ToElementType(string name, string type) => type switch
    {
        "F32" => ElementType.Float32,
        "F64" => ElementType.Float64,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        "I64" => ElementType.Int64,
        "I32" => ElementType.Int32,
        "I16" => ElementType.Int16,
        "I8" => ElementType.Int8,
        "U8" => ElementType.UInt8,
        "BOOL" => ElementType.Bool,
        _ => throw new InvalidDataException($"tensor {Quote(name)} is of type {Quote(type)}, which is not read"),
    };

    private static void CheckOffsets(List<Entry> entries, long dataLength)
    {
        var end = 0L;
        foreach (var entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.End > dataLength)
            {
                throw new InvalidDataException(
                    $"tensor {Quote(entry.Name)} ends at byte {entry.End:n0} of the data, but there are {dataLength:n0}");
            }

            if (entry.Begin < end)
            {
                throw new InvalidDataException($"tensor {Quote(entry.Name)} overlaps another one");
            }

            end = entry.End;
        }
    }

    private sealed record Entry(string Name, ElementType Type, long[] Shape, long Begin, long End);
}
