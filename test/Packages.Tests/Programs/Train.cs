// Trains on a folder of images, tests, saves, and says what the network sees in each image.
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

var (folder, modelPath) = (args[0], args[1]);
var ml = new MLContext(seed: 1);
var images = ml.Data.LoadImageFolder(folder);
var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
    .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
    .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = ResNetArchitecture.ResNet20,
        LabelColumnName = "Label",
        ImageColumnName = "Image",
        InputShape = new ImageShape(3, 16, 16),
        Epochs = 20,
        BatchSize = 15,
        LearningRate = 0.05,
        ValidationFraction = 0,
    }))
    .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));

var model = pipeline.Fit(images);
ml.Model.Save(model, images.Schema, modelPath);
var scored = model.Transform(images);
Console.WriteLine(FormattableString.Invariant($"accuracy\t{ml.MulticlassClassification.Evaluate(scored).MicroAccuracy}"));
foreach (var (path, label) in scored.GetColumn<string>("ImagePath").Zip(scored.GetColumn<string>("PredictedLabelText")))
{
    Console.WriteLine($"{path}\t{label}");
}
