using System.Text.Json;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>What the header of a safetensors file says of a tensor.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its values are stored.</param>
/// <param name="Shape">Its shape, as the file says it: nothing is checked.</param>
/// <param name="Begin">Where its values begin, counted from the end of the header.</param>
/// <param name="End">Where they end.</param>
internal sealed record SafetensorsEntry(string Name, ElementType Type, long[] Shape, long Begin, long End)
{
    private const int MaxNumbers = 64; // PyTorch's own limit of dimensions

    /// <summary>Writes the entry of a tensor, with its name.</summary>
    public static void Write(Utf8JsonWriter json, WeightTensor tensor, long begin, long end)
    {
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

    /// <summary>Reads the entry of a tensor, of which the name is read.</summary>
    /// <exception cref="JsonException">It is not what safetensors writes.</exception>
    /// <exception cref="InvalidDataException">Something is missing from it, or of a type that is not read.</exception>
    public static SafetensorsEntry Read(ref Utf8JsonReader json, string name)
    {
        var (type, shape, offsets) = (default(string), default(long[]), default(long[]));
        json.ReadToken(JsonTokenType.StartObject);
        while (json.ReadProperty())
        {
            if (type is null && json.ValueTextEquals("dtype"))
            {
                json.ReadToken(JsonTokenType.String);
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
            ? new SafetensorsEntry(name, ToElementType(name, type), shape, begin, end)
            : throw new InvalidDataException($"tensor {Quote(name)} lacks a type, a shape or two ascending offsets");
    }

    private static long[] ReadNumbers(ref Utf8JsonReader json)
    {
        var numbers = new List<long>();
        json.ReadToken(JsonTokenType.StartArray);
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
}
