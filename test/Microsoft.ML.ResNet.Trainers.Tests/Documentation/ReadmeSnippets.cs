#pragma warning disable IDE0005 // the usings are the README's
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Microsoft.ML.ResNet.Trainers.Tests.Documentation;

/// <summary>The README's snippets, word for word: they compile, or this file does not. <see cref="ReadmeTests"/> compares them.</summary>
internal static class ReadmeSnippets
{
    public static void TrainEvaluateAndSave()
    {
        var ml = new MLContext(seed: 1);
        IDataView train = ml.Data.LoadImageFolder("data/train");      // columns ImagePath and Label, the name of the sub-folder
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                LabelColumnName = "Label",
                ImageColumnName = "Image",
                Epochs = 30,
                BatchSize = 128,
                LearningRate = 0.1,
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));

        ITransformer model = pipeline.Fit(train);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadImageFolder("data/test")));
        ml.Model.Save(model, train.Schema, "model.zip");
        GC.KeepAlive(metrics);
    }

    public static void ChooseARecipe(MLContext ml)
    {
        var recipe = TrainingRecipe.Modern with
        {
            Epochs = 60,
            HorizontalFlip = false,                 // digits, text
            Mixup = 0.2,
            CutMix = 1,
            TrivialAugment = true,
            EarlyStoppingPatience = 10,             // the best epoch's network is returned
            ClassBalance = ClassBalance.Sampling,   // where some classes have few images
        };
        File.WriteAllText("recipe.json", recipe.ToJson());

        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet56,
            Recipe = recipe,
            CheckpointFolder = "checkpoints",
            LogFolder = "log",                        // history.csv, history.json, and events for TensorBoard
            MaxDuration = TimeSpan.FromHours(8),      // the next start goes on
            Calibrate = true,                         // Score says how sure the network may be
        });
        GC.KeepAlive(trainer);
    }

    public static void LookAtIt(ResNetClassificationTransformer model, ResNetClassificationTransformer other, Microsoft.ML.Data.MLImage image, IDataView test)
    {
        model.WriteReport("report.html", test);                                             // one page, no network, no script
        var responses = model.LayerResponses(test);                                         // figure 7 of the paper
        using var overlay = model.GradCam(image).Overlay();                                 // where it sees the class
        var metrics = model.Evaluate(test, TestTimeViews.TenCrop, topKPredictionCount: 5);  // or Flip, MultiScale()
        TrainingCurves.Plot("curves.svg", ("ResNet-20", model.History), ("ResNet-56", other.History));
        GC.KeepAlive((responses, metrics));
    }

    public static void UseCheckpoints(MLContext ml, string[] classNames)
    {
        var weights = ResNetWeights.Load("resnet50-11ad3fa6.pth");
        var classifier = ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(ml.Transforms.ApplyResNet(weights, ResNetArchitecture.ResNet50, classNames, imageColumnName: "Image", preprocessing: ImagePreprocessing.ImageNetV2));

        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet18,
            InitialWeights = ResNetWeights.Download("resnet18.imagenet1k_v1"),
            TrainableLayers = TrainableLayers.LastStage,   // Head: features are computed once, and training takes seconds
            LayerDecay = 0.8,                              // a smaller learning rate, block by block, towards the image
            Epochs = 5,
            BatchSize = 32,
            LearningRate = 0.01,
        });

        var featurized = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.Transforms.ResNetFeaturizeImage(weights, ResNetArchitecture.ResNet50, preprocessing: ImagePreprocessing.ImageNetV2))
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy());

        GC.KeepAlive((classifier, trainer, featurized));
    }

    public static void Write(ResNetClassificationTransformer model)
    {
        model.Weights.Save("network.safetensors");
        model.ExportOnnx("network.onnx", new OnnxExportOptions { ByteInput = true, ChannelsLast = true, FoldBatchNorm = true });
    }
}
