// Loads a model that was trained with ResNet.MLNet, and classifies image files with ML.NET alone.
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Samples;

if (args.Length < 2)
{
    Console.Error.WriteLine("Usage: Consume MODEL.zip IMAGE...");
    return 2;
}

OnnxTelemetry.TurnOff();
var ml = new MLContext();
PredictionEngine<ImageInput, Prediction> loaded;
try
{
    loaded = ml.Model.CreatePredictionEngine<ImageInput, Prediction>(ml.Model.Load(args[0], out _));
}
catch (Exception exception) when (exception is IOException or FormatException or InvalidOperationException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"Model '{args[0]}' cannot be loaded: {exception.Message}");
    return 1;
}
catch (ArgumentException exception)
{
    Console.Error.WriteLine($"Model '{args[0]}' is not one that reads a column 'ImagePath', as QuickStart's: {exception.Message}");
    return 1;
}

using var engine = loaded;
var classes = default(VBuffer<ReadOnlyMemory<char>>);
engine.OutputSchema["Score"].GetSlotNames(ref classes);

var failed = false;
foreach (var path in args.Skip(1))
{
    try
    {
        var prediction = engine.Predict(new ImageInput { ImagePath = path });
        var scores = classes.DenseValues()
            .Zip(prediction.Score)
            .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.First}={pair.Second:r}"));
        Console.WriteLine($"{path}\t{prediction.PredictedLabelText}\t{string.Join(' ', scores)}");
    }
    catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"Image '{path}' cannot be classified: {exception.Message}");
        failed = true;
    }
}

return failed ? 1 : 0;

/// <summary>What the model's pipeline reads. It also has a label column, which prediction does not look at.</summary>
internal sealed class ImageInput
{
    public string ImagePath { get; set; } = "";

    public string Label { get; set; } = "";
}

/// <summary>What the model adds.</summary>
internal sealed class Prediction
{
    public string PredictedLabelText { get; set; } = "";

    public float[] Score { get; set; } = [];
}
