using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet;

/// <summary>What was in force in a training run: the recipe with what overrode it, the data, the machine and the versions.</summary>
/// <remarks>A value: two are equal if they say the same.</remarks>
public sealed record TrainingConditions
{
    /// <summary>Gets the name of the network.</summary>
    /// <value>As <see cref="ResNetArchitecture.Name"/>.</value>
    public string Network { get; init; } = "";

    /// <summary>
    /// Gets the recipe that the network was trained by, as JSON: epochs, batch size and learning rate as they were in the end.
    /// </summary>
    /// <value>TrainingRecipe.FromJson reads it. The default is <see langword="null"/>: not known.</value>
    [JsonConverter(typeof(JsonTextConverter))]
    public string? Recipe { get; init; }

    /// <summary>Gets which part of the network was trained.</summary>
    /// <value>A value of TrainableLayers, such as <c>All</c> or <c>Head</c>.</value>
    public string TrainedLayers { get; init; } = "";

    /// <summary>Gets the epochs after which one more stage was trained, from the head towards the image.</summary>
    /// <value>The default is 0: all of them from the first epoch on.</value>
    public int EpochsPerUnfreezing { get; init; }

    /// <summary>Gets what the learning rate was multiplied by per block on the way from the head to the image.</summary>
    /// <value>The default is 1: the same rate everywhere.</value>
    public double LayerDecay { get; init; } = 1;

    /// <summary>Gets the number format that convolutions computed in.</summary>
    /// <value>A value of TrainingPrecision other than Auto.</value>
    public string Precision { get; init; } = "";

    /// <summary>Gets the threads that Torch computed with.</summary>
    /// <value>0, the default, where it is not known.</value>
    public int Threads { get; init; }

    /// <summary>Gets the folder that the training images lie in, sub-folders included.</summary>
    /// <value>
    /// <see langword="null"/>, the default, where images did not come from files by LoadImages. A saved model names the last two folders of
    /// the path: the rest says more about the machine than about the images.
    /// </value>
    public string? DataFolder { get; init; }

    /// <summary>Gets the number of training images of each class.</summary>
    /// <value>In the order of the classes.</value>
    public ImmutableArray<int> TrainingImagesByClass { get; init; } = [];

    /// <summary>Gets the number of validation images of each class.</summary>
    /// <value>In the order of the classes; zeros without validation.</value>
    public ImmutableArray<int> ValidationImagesByClass { get; init; } = [];

    /// <summary>Gets where the weights came from that training started with.</summary>
    /// <value>The name of a file or of published weights, or a sentence.</value>
    public string StartingWeights { get; init; } = "";

    /// <summary>Gets the SHA-256 of the values of those weights, tensor after tensor.</summary>
    /// <value>64 hexadecimal digits: the same for the same weights, whatever file they came from.</value>
    public string StartingWeightsHash { get; init; } = "";

    /// <summary>Gets the versions of this library, of the native libraries beneath it, and of .NET.</summary>
    /// <value>By name.</value>
    public IReadOnlyDictionary<string, string> Versions { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Gets the operating system.</summary>
    /// <value>As it describes itself.</value>
    public string System { get; init; } = "";

    /// <summary>Gets the CPU and the number of its cores.</summary>
    /// <value>As the CPU names itself.</value>
    public string Processor { get; init; } = "";

    /// <summary>Gets when the call of Fit began that made the network.</summary>
    /// <value>In universal time. The default, the year 1, in the card of a saved model, which does not say it.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DateTimeOffset Started { get; init; }

    /// <summary>Gets how long that call took, from reading the first image to the trained weights.</summary>
    /// <value>
    /// Of a run that went on from a checkpoint, the time of the last call alone. 0 in the card of a saved model, which does not say it.
    /// </value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public TimeSpan Duration { get; init; }

    /// <inheritdoc/>
    public bool Equals(TrainingConditions? other) => other is not null && ToJson() == other.ToJson(); // collections by what is in them

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);

    private string ToJson() => JsonSerializer.Serialize(this, TrainingHistory.Json);

    /// <summary>A text that is JSON stands in JSON as what it is, and not as a text with quotes in it.</summary>
    private sealed class JsonTextConverter : JsonConverter<string>
    {
        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var value = JsonDocument.ParseValue(ref reader);
            return JsonSerializer.Serialize(value.RootElement, TrainingHistory.Json);
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
        {
            using var document = JsonDocument.Parse(value);
            document.RootElement.WriteTo(writer);
        }
    }
}
