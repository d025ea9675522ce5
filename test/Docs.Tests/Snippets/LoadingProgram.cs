#region LoadingUsings
using Microsoft.ML;
#endregion

namespace Docs.Snippets;

internal static class LoadingProgram
{
    public static void Run(string[] args)
    {
        #region LoadingPredict
        var ml = new MLContext();
        var model = ml.Model.Load("model.zip", out _);
        using var engine = ml.Model.CreatePredictionEngine<ImageInput, Prediction>(model);
        foreach (var path in args)
        {
            var prediction = engine.Predict(new ImageInput { ImagePath = path });
            Console.WriteLine($"{path}: {prediction.PredictedLabelText} ({prediction.Score.Max():p0})");
        }
        #endregion
    }
}

#region LoadingTypes
/// <summary>What the model's pipeline reads. Label is a column of it too, which prediction does not look at.</summary>
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
#endregion
