using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.ML.ResNet.History;

namespace Microsoft.ML.ResNet;

/// <summary>What is known of a network, to be handed on with it: what it is, what it was trained on and how, and what came of it.</summary>
/// <remarks>
/// <para>
/// A network trained by this library carries its card wherever its ONNX graph goes: into a saved <c>model.zip</c>, and into what
/// <see cref="ResNetClassificationTransformer.ExportOnnx(string)"/> writes. There it is the metadata property <c>model_card</c>, as JSON.
/// </para>
/// <code>
/// Console.WriteLine(ModelCard.Load("model.zip")?.ToMarkdown());
/// </code>
/// <para>
/// A saved card says all but the times: the date, the durations and the images per second stand in the history and in the report. So equal
/// training runs save equal models.
/// </para>
/// </remarks>
public sealed partial record ModelCard
{
    /// <summary>Gets the name of the network.</summary>
    /// <value>As <see cref="ResNetArchitecture.Name"/>.</value>
    public string Network { get; init; } = "";

    /// <summary>Gets the shape of the images that the network reads.</summary>
    /// <value>Channels, height and width.</value>
    public ImageShape Input { get; init; }

    /// <summary>Gets the number of trained values.</summary>
    /// <value>Weights and biases, without running statistics.</value>
    public long Parameters { get; init; }

    /// <summary>Gets the multiply-adds that one image costs.</summary>
    /// <value>As the paper counts: convolutions and the head.</value>
    public long MultiplyAdds { get; init; }

    /// <summary>Gets the names of the classes.</summary>
    /// <value>In the order of Score.</value>
    public ImmutableArray<string> ClassNames { get; init; } = [];

    /// <summary>Gets what was in force in training.</summary>
    /// <value><see langword="null"/>, the default, for a network that was not trained by this library, or by an earlier version.</value>
    public TrainingConditions? Conditions { get; init; }

    /// <summary>Gets the seed of all randomness in training.</summary>
    /// <value>The default is 0.</value>
    public int Seed { get; init; }

    /// <summary>Gets the number of images trained on.</summary>
    /// <value>Validation images and skipped rows are not among them.</value>
    public int TrainingImages { get; init; }

    /// <summary>Gets the number of images validated on.</summary>
    /// <value>0 without validation.</value>
    public int ValidationImages { get; init; }

    /// <summary>Gets the number of rows left out because their image could not be read.</summary>
    /// <value>The default is 0.</value>
    public int SkippedImages { get; init; }

    /// <summary>Gets the number of epochs that were trained.</summary>
    /// <value>Fewer than the recipe's where training stopped early.</value>
    public int Epochs { get; init; }

    /// <summary>Gets the result of the last epoch.</summary>
    /// <value><see langword="null"/> for a network that was not trained here.</value>
    public EpochResult? LastEpoch { get; init; }

    /// <summary>Gets the result of the epoch with the best validation accuracy.</summary>
    /// <value><see langword="null"/> without validation.</value>
    public EpochResult? BestEpoch { get; init; }

    /// <summary>Gets the temperature that calibration divided the logits by.</summary>
    /// <value>The default is 1: not calibrated.</value>
    public double Temperature { get; init; } = 1;

    /// <summary>Gets the probability that some class must be above, for an image to be of a known class.</summary>
    /// <value><see langword="null"/>, the default, where the model has no column <c>IsUnknown</c>.</value>
    public float? UnknownThreshold { get; init; }

    /// <summary>Gets whether an image has any number of labels, each with a probability of its own.</summary>
    /// <value>The default is <see langword="false"/>: one label, and probabilities that add up to 1.</value>
    public bool IsMultilabel { get; init; }

    /// <summary>Gets why training ended before its last epoch, if it did.</summary>
    /// <value><see langword="null"/> after a full run; otherwise a sentence.</value>
    public string? StoppedEarly { get; init; }

    /// <summary>Gets the card as headings with names and values, as it is shown everywhere.</summary>
    internal IEnumerable<CardPart> Parts
    {
        get
        {
            yield return new CardPart("Network",
            [
                ("Network", Network),
                ("Input", Input.ToString()),
                ("Parameters", Count(Parameters)),
                ("Multiply-adds per image", Count(MultiplyAdds)),
                (IsMultilabel ? "Labels, any number for an image" : "Classes", Count(ClassNames.Length)),
            ]);
            if (LastEpoch is not null)
            {
                yield return new CardPart("Result", [.. Results()]);
            }

            if (Conditions is not { } conditions)
            {
                yield break;
            }

            yield return new CardPart("Training", [.. TrainingRows(conditions)]);
            yield return new CardPart("Machine",
            [
                ("CPU", conditions.Processor),
                ("System", conditions.System),
                .. conditions.Versions.Select(version => (version.Key, version.Value)),
            ]);
            if (ClassNames.Length > 0 && conditions.TrainingImagesByClass.Length == ClassNames.Length)
            {
                yield return new CardPart(
                    IsMultilabel ? "Images by label" : "Images by class",
                    [.. ClassNames.Select((name, index) => (name, ImagesOf(conditions, index)))]);
            }
        }
    }

    /// <summary>Writes the card as Markdown: a heading and a table for each part, and the recipe as JSON.</summary>
    /// <returns>The same text in every culture, with line feeds.</returns>
    public string ToMarkdown()
    {
        var text = new StringBuilder("# Model card\n");
        foreach (var part in Parts)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {part.Heading}\n\n| | |\n| -- | -- |\n");
            foreach (var (name, value) in part.Rows)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {Escape(name)} | {Escape(value)} |\n");
            }
        }

        if (Conditions?.Recipe is { } recipe)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## Recipe\n\n```json\n{recipe.ReplaceLineEndings("\n")}\n```\n");
        }

        return text.ToString();
    }

    /// <summary>Writes the card as JSON.</summary>
    /// <returns>An object with this type's properties.</returns>
    public string ToJson() => JsonSerializer.Serialize(this, TrainingHistory.Json);

    internal static ModelCard Of(LayerPlan plan, ImmutableArray<string> classNames, TrainingHistory history)
    {
        var validated = history.Epochs.Where(epoch => epoch.ValidationAccuracy is not null).ToArray();
        return new ModelCard
        {
            Network = plan.Architecture.Name,
            Input = plan.Input,
            Parameters = plan.ParameterCount,
            MultiplyAdds = plan.MultiplyAdds,
            ClassNames = classNames,
            Conditions = history.Conditions,
            Seed = history.Seed,
            TrainingImages = history.TrainingImages,
            ValidationImages = history.ValidationImages,
            SkippedImages = history.SkippedImages,
            Epochs = history.Epochs.Length,
            LastEpoch = history.Epochs.LastOrDefault(),
            BestEpoch = validated.Length == 0 ? null : validated.MaxBy(epoch => epoch.ValidationAccuracy),
            Temperature = history.Temperature,
            UnknownThreshold = history.UnknownThreshold,
            IsMultilabel = history.IsMultilabel,
            StoppedEarly = history.StoppedEarly,
        };
    }

    private IEnumerable<(string Name, string Value)> Results()
    {
        yield return ("Epochs trained", Count(Epochs));
        yield return ("Training, last epoch", $"loss {Loss(LastEpoch!.Loss)}, accuracy {Percent(LastEpoch.Accuracy)}");
        if (LastEpoch is { ValidationAccuracy: { } accuracy, ValidationLoss: { } loss })
        {
            yield return ("Validation, last epoch", $"loss {Loss(loss)}, accuracy {Percent(accuracy)}");
        }

        if (BestEpoch is { ValidationAccuracy: { } best })
        {
            yield return ("Best validation accuracy", $"{Percent(best)}, in epoch {Count(BestEpoch.Epoch)}");
        }

        if (Temperature != 1)
        {
            yield return ("Calibrated at temperature", Temperature.ToString("0.00", CultureInfo.InvariantCulture));
        }

        if (UnknownThreshold is { } threshold)
        {
            yield return ("Unknown, unless a probability is above", threshold.ToString("0.0000", CultureInfo.InvariantCulture));
        }

        if (StoppedEarly is { } reason)
        {
            yield return ("Stopped early", reason);
        }
    }

    private IEnumerable<(string Name, string Value)> TrainingRows(TrainingConditions conditions)
    {
        if (conditions.Started != default) // a saved card does not say it
        {
            yield return ("Date", conditions.Started.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
            yield return ("Duration", Durations.Text(conditions.Duration));
        }

        yield return (
            "Images",
            $"{Count(TrainingImages)} to train on, {Count(ValidationImages)} to validate on, {Count(SkippedImages)} skipped");
        yield return ("Data", conditions.DataFolder ?? "not from files");
        yield return ("Starting weights", conditions.StartingWeights);
        yield return ("SHA-256 of their values", conditions.StartingWeightsHash);
        yield return ("Trained layers", conditions.TrainedLayers + Unfreezing(conditions));
        if (conditions.LayerDecay != 1)
        {
            yield return (
                "Learning rate per block",
                string.Create(CultureInfo.InvariantCulture, $"× {conditions.LayerDecay:g3} towards the image"));
        }

        yield return ("Seed", Seed.ToString(CultureInfo.InvariantCulture));
        yield return ("Precision", conditions.Precision);
        yield return ("Threads", Count(conditions.Threads));
    }

    private static string Unfreezing(TrainingConditions conditions) =>
        conditions.EpochsPerUnfreezing == 0 ? "" : $", one stage more every {Count(conditions.EpochsPerUnfreezing)} epochs";

    private static string ImagesOf(TrainingConditions conditions, int index) => conditions.ValidationImagesByClass.Length > index
        ? $"{Count(conditions.TrainingImagesByClass[index])} to train on, {Count(conditions.ValidationImagesByClass[index])} to validate on"
        : $"{Count(conditions.TrainingImagesByClass[index])} to train on";

    private static string Count(long value) => value.ToString("n0", CultureInfo.InvariantCulture);

    private static string Loss(double nats) => nats.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    // Names come from users: no name may end its cell or become markup.
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            _ = character switch
            {
                '\\' or '|' or '*' or '_' or '`' or '[' or ']' or '<' or '>' or '#' or '~' => escaped.Append('\\').Append(character),
                _ when char.IsControl(character) => escaped.Append(' '),
                _ => escaped.Append(character),
            };
        }

        return escaped.ToString();
    }
}

/// <summary>A part of a model card: a heading, and names with their values.</summary>
internal sealed record CardPart(string Heading, ImmutableArray<(string Name, string Value)> Rows);
