using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebApp.Models;

namespace WebApp.Training;

/// <summary>A line of JSON that QuickStart writes with <c>--progress-lines</c>.</summary>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed record ProgressLine(
    int Epoch, int Epochs, long Step, long Steps, double Loss, double TrainingAccuracy, double? ValidationAccuracy)
{
    /// <summary>Reads a line of the trainer's output.</summary>
    /// <returns>The progress; null for any other line.</returns>
    public static ProgressLine? TryParse(string line)
    {
        try
        {
            return line.StartsWith('{') ? JsonSerializer.Deserialize<ProgressLine>(line) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public ModelStatus ToStatus() => new(
        ModelState.Training,
        string.Create(CultureInfo.InvariantCulture,
            $"Epoch {Epoch} of {Epochs}: loss {Loss:f3}, accuracy {ValidationAccuracy ?? TrainingAccuracy:p1}"),
        Steps > 0 ? (double)Step / Steps : null);
}
