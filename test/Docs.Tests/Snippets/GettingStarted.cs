#region GettingStartedUsings
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
#endregion

namespace Docs.Snippets;

internal static class GettingStarted
{
    public static void Run()
    {
        #region GettingStartedTrain
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadImageFolder("photos/train");      // columns ImagePath and Label, the name of the sub-folder
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,       // reads 32×32 pixels
                Epochs = 20,
                BatchSize = 16,
                LearningRate = 0.05,
                Progress = new ConsoleProgress(),                 // one line, kept up to date
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));

        var model = pipeline.Fit(train);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadImageFolder("photos/test")));
        Console.WriteLine($"accuracy {metrics.MicroAccuracy:p1}, log-loss {metrics.LogLoss:f3}");

        model.WriteReport("report.html", ml.Data.LoadImageFolder("photos/test"));
        ml.Model.Save(model, train.Schema, "model.zip");
        #endregion
    }
}
