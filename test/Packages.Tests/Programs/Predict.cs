// Loads a model and classifies files, with ML.NET alone.
using Microsoft.ML;

var ml = new MLContext();
var model = ml.Model.Load(args[0], out _);
using var engine = ml.Model.CreatePredictionEngine<Input, Output>(model);
foreach (var path in args.Skip(1))
{
    Console.WriteLine($"{path}\t{engine.Predict(new Input { ImagePath = path }).PredictedLabelText}");
}

internal sealed class Input
{
    public string ImagePath { get; set; } = "";

    public string Label { get; set; } = "";
}

internal sealed class Output
{
    public string PredictedLabelText { get; set; } = "";
}
