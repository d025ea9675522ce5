using System.Text.Json;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// A model card as a file has it. A prediction needs one number of it; the rest is read when someone asks, since
/// <see cref="JsonSerializer"/> takes long to look at a card's types, for which the first prediction would wait.
/// </summary>
internal sealed class UnreadCard
{
    private static readonly string ThresholdName = JsonNamingPolicy.CamelCase.ConvertName(nameof(ModelCard.UnknownThreshold));

    private readonly Lazy<ModelCard> _card;

    /// <param name="json">The card, as <see cref="WeightsMetadata"/> writes it.</param>
    /// <param name="read">Reads all of it.</param>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="InvalidOperationException">It is no object.</exception>
    public UnreadCard(string json, Func<ModelCard> read)
    {
        using var document = JsonDocument.Parse(json, MetadataJson.Options);
        UnknownThreshold = document.RootElement.TryGetProperty(ThresholdName, out var threshold)
            && threshold.ValueKind == JsonValueKind.Number
            ? threshold.GetSingle()
            : null;
        _card = new Lazy<ModelCard>(read);
    }

    /// <summary>Gets the probability that some class must be above, for an image to be of a class; null where it does not say.</summary>
    public float? UnknownThreshold { get; }

    /// <summary>Reads the card, once.</summary>
    /// <exception cref="InvalidDataException">It is no card.</exception>
    public ModelCard Read() => _card.Value;
}
