using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// What files say beside their tensors, as text: under these keys in safetensors' <c>__metadata__</c> and in ONNX's <c>metadata_props</c>.
/// </summary>
internal static class WeightsMetadata
{
    public const string Preprocessing = "preprocessing";
    public const string ClassNames = "class_names";
    public const string Architecture = "architecture";
    public const string ArchitectureParts = "architecture_parts";
    public const string Quantization = "quantization";
    public const string Card = "model_card";

    // The names of ImageNet-21k are half a million characters.
    private const int LongestText = 4 << 20;
    private const int LongestName = 200;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        IgnoreReadOnlyProperties = true,
    };

    private static readonly JsonSerializerOptions CardOptions = new(TrainingHistory.Json)
    {
        WriteIndented = false,
        RespectNullableAnnotations = true,
        MaxDepth = 8,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutTimes } },
    };

    public static string Write(ImagePreprocessing preprocessing) => JsonSerializer.Serialize(preprocessing, Options);

    public static string Write(ImmutableArray<string> classNames) => JsonSerializer.Serialize(classNames, Options);

    /// <summary>Writes a model card without what its file says elsewhere, what the clock said, and where its maker keeps images.</summary>
    public static string Write(ModelCard card)
    {
        var conditions = card.Conditions is { } known ? known with { DataFolder = LastFolders(known.DataFolder) } : null;
        return JsonSerializer.Serialize(card with { ClassNames = [], Conditions = conditions }, CardOptions);
    }

    /// <summary>Takes over an entry, if it is one of these.</summary>
    public static void Read(WeightsBuilder builder, string key, string json)
    {
        if (key == Quantization)
        {
            throw new InvalidDataException(
                $"the network is quantized ({ErrorText.Quote(json)}), "
                + "so the file holds integers, from which float weights cannot be read. "
                + "Load the model that it was made from");
        }

        Understand(key, () => TakeOver(builder, key, json));
    }

    private static string TakeOver(WeightsBuilder builder, string key, string json)
    {
        switch (key)
        {
            case Preprocessing when builder.Preprocessing is not null:
            case ClassNames when builder.ClassNames is not null:
            case Card when builder.Card is not null:
                throw new InvalidDataException("it is there twice");
            case Architecture when json.Length is > 0 and <= LongestName:
                builder.ArchitectureName ??= json; // a name, not JSON; what others may have put there is no error
                break;
            case ArchitectureParts:
                builder.Architecture = ArchitectureJson.Read(CheckLength(json));
                break;
            case Card:
                builder.Card = ReadCard(json);
                break;
            case Preprocessing:
                builder.Preprocessing = ReadPreprocessing(json);
                break;
            case ClassNames:
                builder.ClassNames = MetadataJson.ReadClassNames(CheckLength(json));
                break;
        }

        return key;
    }

    /// <summary>Takes over a model card, to be read when it is asked for.</summary>
    /// <exception cref="InvalidDataException">It is no JSON object.</exception>
    public static UnreadCard Keep(string card) =>
        Understand(Card, () => new UnreadCard(CheckLength(card), () => Understand(Card, () => ReadCard(card))));

    private static T Understand<T>(string key, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidDataException
            or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"its metadata '{key}' cannot be understood: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    private static string CheckLength(string json) => json.Length <= LongestText
        ? json
        : throw new InvalidDataException($"it is {json.Length:n0} characters long");

    // Equal runs write equal files, byte for byte: when a run was and how long it took stands in its history alone.
    private static void LeaveOutTimes(JsonTypeInfo type)
    {
        var rate = JsonNamingPolicy.CamelCase.ConvertName(nameof(EpochResult.ImagesPerSecond));
        foreach (var property in type.Properties)
        {
            if (property.PropertyType == typeof(TimeSpan) || property.PropertyType == typeof(DateTimeOffset) || property.Name == rate)
            {
                property.ShouldSerialize = (_, _) => false;
                property.IsRequired = false;
            }
        }
    }

    private static ModelCard ReadCard(string json)
    {
        var card = JsonSerializer.Deserialize<ModelCard>(CheckLength(json), CardOptions)
            ?? throw new InvalidDataException("it is null");
        return card.Conditions is { TrainingImagesByClass.IsDefault: true } or { ValidationImagesByClass.IsDefault: true }
            ? throw new InvalidDataException("its images by class are null")
            : card;
    }

    private static string? LastFolders(string? path) =>
        path is null ? null : string.Join('/', path.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries).TakeLast(2));

    private static ImagePreprocessing ReadPreprocessing(string json)
    {
        var preprocessing = MetadataJson.ReadPreprocessing(CheckLength(json));
        PreprocessingBounds.Check(preprocessing);
        return preprocessing.Validated();
    }
}
