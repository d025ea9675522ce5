using System.Collections.Immutable;
using System.Text.Json;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// Reads what <see cref="WeightsMetadata"/> writes of images and classes. <see cref="JsonSerializer"/> would do, but takes a tenth of a
/// second to look at the types, for which the first answer of a predictor would wait.
/// </summary>
internal static class MetadataJson
{
    /// <summary>Gets what is read: nothing that is nested more deeply than a model card.</summary>
    public static JsonDocumentOptions Options => new() { MaxDepth = 8 };

    /// <summary>Reads how images become a network's input; its values are not checked.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="InvalidDataException">It lacks something.</exception>
    /// <exception cref="InvalidOperationException">Something is of another type.</exception>
    /// <exception cref="FormatException">A number is none of the kind that it must be.</exception>
    public static ImagePreprocessing ReadPreprocessing(string json)
    {
        using var document = JsonDocument.Parse(json, Options);
        var fields = document.RootElement;
        var input = Field(fields, "input");
        var shape = new ImageShape(
            Field(input, "channels").GetInt32(), Field(input, "height").GetInt32(), Field(input, "width").GetInt32());
        return new ImagePreprocessing(shape, Numbers(Field(fields, "mean")), Numbers(Field(fields, "standard_deviation")))
        {
            CropBorder = fields.TryGetProperty("crop_border", out var border) ? border.GetInt32() : 0,
            Supersampling = fields.TryGetProperty("supersampling", out var supersampling) ? supersampling.GetInt32() : 1,
        };
    }

    /// <summary>Reads the names of classes.</summary>
    /// <inheritdoc cref="ReadPreprocessing" path="/exception"/>
    public static ImmutableArray<string> ReadClassNames(string json)
    {
        using var document = JsonDocument.Parse(json, Options);
        var names = ImmutableArray.CreateBuilder<string>(document.RootElement.GetArrayLength());
        foreach (var name in document.RootElement.EnumerateArray())
        {
            names.Add(name.GetString() ?? throw new InvalidDataException("a class name is null"));
        }

        return names.MoveToImmutable();
    }

    /// <summary>Gets a property.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static JsonElement Field(JsonElement fields, string name) =>
        fields.TryGetProperty(name, out var field) ? field : throw new InvalidDataException($"it lacks '{name}'");

    private static ImmutableArray<float> Numbers(JsonElement array)
    {
        var numbers = ImmutableArray.CreateBuilder<float>(array.GetArrayLength());
        foreach (var number in array.EnumerateArray())
        {
            numbers.Add(number.GetSingle());
        }

        return numbers.MoveToImmutable();
    }
}
