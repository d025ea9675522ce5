using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet;

public sealed partial record TrainingHistory
{
    // A run of a million epochs has some 300 MB of them; nobody's file is larger by honest means.
    private const long MaxFileLength = 1L << 29;

    // Not by generated code, which sets what a file lacks to zero, and not to the property's default. A loss that is not a number is
    // "NaN".
    internal static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Writes the epochs as a table of comma-separated values, one line for each, under a line of names.</summary>
    /// <remarks>
    /// Numbers are written in full, with a point, whatever the culture; times in seconds; a field is empty where there was no validation.
    /// The file appears whole or not at all.
    /// </remarks>
    /// <param name="path">The file to write; an existing one is replaced.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void SaveCsv(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var table = new StringBuilder(
            "epoch,step,learning_rate,loss,accuracy,validation_loss,validation_accuracy,duration,images_per_second,augmentation_time,"
            + "validation_time\n");
        foreach (var epoch in Epochs)
        {
            table.Append(CultureInfo.InvariantCulture, $"{epoch.Epoch},{epoch.Step},{epoch.LearningRate},{epoch.Loss},{epoch.Accuracy},");
            table.Append(CultureInfo.InvariantCulture, $"{epoch.ValidationLoss},{epoch.ValidationAccuracy},{epoch.Duration.TotalSeconds},");
            table.Append(CultureInfo.InvariantCulture, $"{epoch.ImagesPerSecond},{epoch.AugmentationTime.TotalSeconds},");
            table.Append(CultureInfo.InvariantCulture, $"{epoch.ValidationTime.TotalSeconds}\n");
        }

        WholeFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(table.ToString())));
    }

    /// <summary>Writes the history as JSON, from which <see cref="LoadJson"/> makes the same history again.</summary>
    /// <remarks>The file appears whole or not at all.</remarks>
    /// <param name="path">The file to write; an existing one is replaced.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void SaveJson(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        WholeFile.Write(path, stream => JsonSerializer.Serialize(stream, this, Json));
    }

    /// <summary>Reads a history that <see cref="SaveJson"/> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The history.</returns>
    /// <exception cref="InvalidDataException">The file holds no history; the message says where it goes wrong.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static TrainingHistory LoadJson(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = RegularFile.OpenRead(path);
        if (stream.Length > MaxFileLength)
        {
            throw new InvalidDataException(
                $"'{path}' is no training history: it has {stream.Length:n0} bytes, more than any history needs.");
        }

        try
        {
            var history = JsonSerializer.Deserialize<TrainingHistory>(stream, Json);
            return history is { Epochs.IsDefault: false } && history.Epochs.All(epoch => epoch is not null)
                ? history
                : throw new InvalidDataException(
                    $"'{path}' is no training history: it lists no epochs. Was it written by TrainingHistory.SaveJson?");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"'{path}' is no training history: {exception.Message}", exception);
        }
    }
}
