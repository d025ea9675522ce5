#region ReadmeUsings
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
#endregion

namespace Docs.Snippets;

internal static class Readme
{
    public static void Run()
    {
        #region ReadmeTrain
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadImageFolder("photos/train");      // columns ImagePath and Label, the name of the sub-folder
        var test = ml.Data.LoadImageFolder("photos/test");
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,       // reads 32×32 pixels
                Epochs = 30,
                Progress = new ConsoleProgress(),                 // one line, kept up to date
                CheckpointFolder = "checkpoints",                 // stopped or killed, the same program goes on from here
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));

        var model = pipeline.Fit(train);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
        Console.WriteLine($"accuracy {metrics.MicroAccuracy:p1}");
        ml.Model.Save(model, train.Schema, "model.zip");          // any ML.NET program loads it
        #endregion

        #region ReadmeNetwork
        model.WriteReport("report.html", test);                   // one page, no network access, no script
        var network = model.GetResNet();
        var history = network.History;
        Console.WriteLine(
            $"{network.Architecture}, {history.Epochs.Length} epochs, validation accuracy {history.Epochs[^1].ValidationAccuracy:p1}");
        network.ExportOnnx("network.onnx");
        network.Weights.Save("network.safetensors");
        #endregion
    }
}
