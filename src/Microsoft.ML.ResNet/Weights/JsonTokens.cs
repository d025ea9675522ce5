using System.Text.Json;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>Reads JSON of which is known what comes next.</summary>
internal static class JsonTokens
{
    /// <summary>Goes to the next token.</summary>
    /// <exception cref="JsonException">It is another one than expected.</exception>
    public static void ReadToken(this ref Utf8JsonReader json, JsonTokenType expected)
    {
        if (!json.Read() || json.TokenType != expected)
        {
            throw new JsonException($"{expected} expected at byte {json.TokenStartIndex}");
        }
    }

    /// <summary>Goes to the name of the object's next property; false at its end.</summary>
    public static bool ReadProperty(this ref Utf8JsonReader json) => json.Read() && json.TokenType == JsonTokenType.PropertyName;
}
