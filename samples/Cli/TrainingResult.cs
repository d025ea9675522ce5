using System.Globalization;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>What training came to.</summary>
/// <param name="Model">The file that the model was saved to.</param>
/// <param name="Architecture">The network.</param>
/// <param name="Classes">The names of the classes.</param>
/// <param name="TrainingImages">The images trained on.</param>
/// <param name="ValidationImages">The images validated on.</param>
/// <param name="SkippedImages">The images of both that could not be read.</param>
/// <param name="Epochs">The epochs trained.</param>
/// <param name="Loss">The last epoch's mean cross-entropy in nats.</param>
/// <param name="TrainingAccuracy">The share of the last epoch's images classified right when trained on.</param>
/// <param name="ValidationAccuracy">The share of the validation images classified right after it; null without.</param>
/// <param name="TestAccuracy">The share of the test images classified right; null without.</param>
/// <param name="Seconds">How long the epochs took.</param>
/// <param name="StoppedEarly">Why training ended before its last epoch; null if it did not.</param>
/// <param name="NoBetterThanChance">What tells that the network learned nothing; null if it learned.</param>
internal sealed record TrainingResult(
    string Model, string Architecture, string[] Classes, int TrainingImages, int ValidationImages, int SkippedImages, int Epochs,
    double? Loss, double? TrainingAccuracy,
    double? ValidationAccuracy, double? TestAccuracy, double Seconds, string? StoppedEarly, string? NoBetterThanChance)
{
    /// <summary>Gets the images that the trained network was tested on.</summary>
    public int TestImages { get; init; }

    /// <summary>Gets the test images that could not be read.</summary>
    public int SkippedTestImages { get; init; }

    /// <summary>Gets the mean average precision over labels on the test images; null where each image has one class.</summary>
    public double? TestMeanAveragePrecision { get; init; }

    /// <summary>Gets whether an image has any number of labels: it is right where all of them are.</summary>
    public bool HasSeveralLabels { get; init; }

    public static TrainingResult Of(string model, ResNetClassificationTransformer network, double? testAccuracy)
    {
        var history = network.History;
        var last = history.Epochs.LastOrDefault();
        return new TrainingResult(
            model, network.Architecture.Name, [.. network.ClassNames],
            history.TrainingImages, history.ValidationImages, history.SkippedImages,
            history.Epochs.Length, last?.Loss, last?.Accuracy, last?.ValidationAccuracy, testAccuracy,
            history.Epochs.Sum(epoch => epoch.Duration.TotalSeconds),
            Typed(history.StoppedEarly), Typed(history.NoBetterThanChance))
        {
            HasSeveralLabels = history.IsMultilabel,
        };
    }

    public void WriteText(Terminal terminal) => terminal.WriteTable(["figure", "value"],
    [
        ["model", Model],
        ["architecture", Architecture],
        ["images", $"{Count(TrainingImages)} to train, {Count(ValidationImages)} to validate, {Count(SkippedImages)} skipped"],
        .. TestAccuracy is null ? Array.Empty<string[]>() : [["test images", $"{Count(TestImages)}, {Count(SkippedTestImages)} skipped"]],
        ["epochs", Count(Epochs)],
        [$"training {Accuracy}", Share(TrainingAccuracy)],
        [$"validation {Accuracy}", Share(ValidationAccuracy)],
        [$"test {Accuracy}", Share(TestAccuracy)],
        .. TestMeanAveragePrecision is not { } precision ? Array.Empty<string[]>()
            : [["test mean average precision", precision.ToString("f4", CultureInfo.InvariantCulture)]],
        ["time of the epochs", string.Create(CultureInfo.InvariantCulture, $"{Seconds:f1} s")],
        .. StoppedEarly is null ? Array.Empty<string[]>() : [["stopped early", StoppedEarly]],
    ]);

    private string Accuracy => HasSeveralLabels ? "images with all labels right" : "accuracy";

    private static string? Typed(string? message) => message is null ? null : OptionNames.InPlaceOfApi(message);

    private static string Count(int count) => count.ToString("n0", CultureInfo.InvariantCulture);

    private static string Share(double? value) => value?.ToString("p2", CultureInfo.InvariantCulture) ?? "-";
}
