using System.Text.Json;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>The header of a safetensors file: an object in JSON, with an entry for each tensor and what is said beside them.</summary>
internal static class SafetensorsHeader
{
    private const string MetadataKey = "__metadata__";
    private const int Alignment = 8;

    /// <summary>Makes the header of a file whose tensors lie one after the other.</summary>
    /// <param name="weights">The tensors.</param>
    /// <param name="metadata">What is said beside them; it comes first, in this order.</param>
    public static byte[] Make(ResNetWeights weights, ReadOnlySpan<KeyValuePair<string, string>> metadata)
    {
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            WriteMetadata(json, weights, metadata);
            var offset = 0L;
            foreach (var tensor in weights.Tensors)
            {
                var end = offset + tensor.Values.Length * (long)sizeof(float);
                if (tensor.Name == MetadataKey)
                {
                    throw new InvalidOperationException(
                        $"A tensor cannot be saved under the name '{MetadataKey}', which safetensors keeps for itself.");
                }

                SafetensorsEntry.Write(json, tensor, offset, end);
                offset = end;
            }

            json.WriteEndObject();
        }

        while (header.Length % Alignment != 0)
        {
            header.WriteByte((byte)' ');
        }

        return header.ToArray();
    }

    /// <summary>Gets the entries, and gives what is said beside them to what builds the weights.</summary>
    /// <exception cref="InvalidDataException">The header is damaged.</exception>
    public static List<SafetensorsEntry> Parse(byte[] header, WeightsBuilder builder)
    {
        var entries = new List<SafetensorsEntry>();
        try
        {
            // An entry's arrays are the deepest: { "name": { "shape": [ … ] } }.
            var json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 3 });
            json.ReadToken(JsonTokenType.StartObject);
            while (json.ReadProperty())
            {
                if (json.ValueTextEquals(MetadataKey))
                {
                    ReadMetadata(ref json, builder);
                }
                else if (entries.Count < WeightsBuilder.MaxTensors)
                {
                    entries.Add(SafetensorsEntry.Read(ref json, json.GetString()!));
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

    /// <summary>Gets all that is said beside the entries.</summary>
    /// <exception cref="InvalidDataException">The header is damaged.</exception>
    public static Dictionary<string, string> ParseMetadata(byte[] header)
    {
        try
        {
            using var json = JsonDocument.Parse(header);
            return json.RootElement.TryGetProperty(MetadataKey, out var metadata)
                ? metadata.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.GetString() ?? "")
                : [];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"its header is not the JSON of safetensors ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>Refuses entries that overlap, or end after the data.</summary>
    /// <exception cref="InvalidDataException">One does.</exception>
    public static void CheckOffsets(List<SafetensorsEntry> entries, long dataLength)
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

    private static void WriteMetadata(
        Utf8JsonWriter json, ResNetWeights weights, ReadOnlySpan<KeyValuePair<string, string>> metadata)
    {
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
    }

    private static void ReadMetadata(ref Utf8JsonReader json, WeightsBuilder builder)
    {
        json.ReadToken(JsonTokenType.StartObject);
        while (json.ReadProperty())
        {
            var key = json.ValueTextEquals(WeightsMetadata.Preprocessing) ? WeightsMetadata.Preprocessing
                : json.ValueTextEquals(WeightsMetadata.ClassNames) ? WeightsMetadata.ClassNames
                : json.ValueTextEquals(WeightsMetadata.Architecture) ? WeightsMetadata.Architecture
                : json.ValueTextEquals(WeightsMetadata.ArchitectureParts) ? WeightsMetadata.ArchitectureParts
                : json.ValueTextEquals(WeightsMetadata.Card) ? WeightsMetadata.Card
                : null;
            json.ReadToken(JsonTokenType.String);
            if (key is not null)
            {
                WeightsMetadata.Read(builder, key, json.GetString()!);
            }
        }
    }
}
