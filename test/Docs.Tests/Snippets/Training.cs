using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Image;
using Microsoft.ML.Transforms.Onnx;

namespace Docs.Snippets;

internal static class Training
{
    public static TransformerChain<ResNetClassificationTransformer> FromAFolder(MLContext ml)
    {
        #region TrainFromAFolder
        var train = ml.Data.LoadImageFolder("photos/train");
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                Epochs = 2,
                Progress = new ConsoleProgress(),             // one line, kept up to date
            }));
        var model = pipeline.Fit(train);
        #endregion
        return model;
    }

    public static ResNetClassificationTransformer WithValidationData(MLContext ml, ResNetTrainer trainer)
    {
        #region TrainWithValidationData
        var files = ml.Data.LoadImageFolder("photos/train");
        var prepare = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Fit(files);
        var model = trainer.Fit(prepare.Transform(files), prepare.Transform(ml.Data.LoadImageFolder("photos/test")));
        Console.WriteLine($"{model.History.Epochs[^1].ValidationAccuracy:p1}");
        #endregion
        return model;
    }

    public static ITransformer ValidationInAPipeline(MLContext ml)
    {
        #region ValidationInAPipeline
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                Epochs = 2,
                ValidationData = ml.Data.LoadImageFolder("photos/test"),         // as it comes to the pipeline: files and names of classes
            }));
        var model = pipeline.Fit(ml.Data.LoadImageFolder("photos/train"));
        Console.WriteLine($"{model.GetResNet().History.Epochs[^1].ValidationAccuracy:p1}");
        #endregion
        return model;
    }

    public static ResNetClassificationTransformer PredictionsWhileTraining(MLContext ml, IDataView train)
    {
        #region PredictionsWhileTraining
        var options = new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            Epochs = 2,
            SamplePredictions = 8,                                           // of so many validation images
            Progress = new Progress<TrainingProgress>(progress =>
            {
                foreach (var sample in progress.Samples)                     // at the end of each epoch
                {
                    Console.WriteLine($"{progress.Epoch}: row {sample.Row}: {sample.Scores.Max():p0}");
                }
            }),
        };
        var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(train);
        #endregion
        return model;
    }

    public static string[] UnknownImages(MLContext ml)
    {
        #region UnknownImages
        var train = ml.Data.LoadImageFolder("photos/train");
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                Epochs = 2,
                Calibrate = true,
                RejectUnknown = 0.05,                                            // of the validation images, at most so many
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));
        ml.Model.Save(pipeline.Fit(train), train.Schema, "model.zip");

        var model = ml.Model.Load("model.zip", out _);                           // ML.NET's own stages
        var scored = model.Transform(ml.Data.LoadImageFolder("photos/test"));
        var names = scored.GetColumn<bool>("IsUnknown").Zip(scored.GetColumn<string>("PredictedLabelText"))
            .Select(row => row.First ? "none of these" : row.Second).ToArray();
        (model as IDisposable)?.Dispose();                                       // else ML.NET leaves a file in the temporary folder
        #endregion
        return names;
    }

    public static ImmutableArray<ClassProbability> SeveralLabels(MLContext ml)
    {
        #region SeveralLabels
        // A line for each photograph, with its labels between semicolons: photos/1.png,dog;beach
        var files = ml.Data.LoadFromTextFile<TaggedPhoto>("photos.csv", separatorChar: ',');
        var pipeline = ml.Transforms.Text.TokenizeIntoWords("Label", "Tags", separators: [';'])
            .Append(ml.Transforms.Conversion.MapValueToKey("Label"))             // a vector of keys
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                Epochs = 2,
            }));
        var model = pipeline.Fit(files);
        var metrics = ml.MulticlassClassification.EvaluateMultilabel(model.Transform(files));
        Console.WriteLine($"mAP {metrics.MeanAveragePrecision:0.000}, all labels right: {metrics.ExactMatchRatio:p1}");
        foreach (var label in metrics.PerLabel)
        {
            Console.WriteLine($"{label.Name}: precision {label.Precision:p0}, recall {label.Recall:p0}, AP {label.AveragePrecision:0.000}");
        }

        ml.Model.Save(model, files.Schema, "tags.zip");                          // ML.NET's own stages

        using var predictor = ResNetPredictor.Load("tags.zip");
        var found = predictor.Predict("photo.png").Above(0.5f);                  // labels with their probabilities, the likeliest first
        #endregion
        return found;
    }

    public static void FromMemory(MLContext ml, IEnumerable<Picture> pictures)
    {
        #region TrainFromMemory
        var rows = ml.Data.LoadFromEnumerable(pictures);      // read anew whenever ML.NET reads the view
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                Epochs = 2,
                Progress = new ConsoleProgress(),
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));
        ml.Model.Save(pipeline.Fit(rows), rows.Schema, "from-memory.zip");
        #endregion
    }

    public static ResNetTrainer Pretrained(MLContext ml)
    {
        #region Pretrained
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Pretrained = "resnet18",
            TrainableLayers = TrainableLayers.Head,
            Recipe = TrainingRecipe.Modern with { WeightDecay = 0.01 }, // few images: keep the head small
            Epochs = 60,
            LearningRate = 0.003,
            BatchSize = 32,
        });
        #endregion
        return trainer;
    }

    public static ResNetTrainer PretrainedMiddle(MLContext ml)
    {
        #region PretrainedMiddle
        var weights = ResNetWeights.Pretrained("resnet18");
        var preprocessing = weights.Preprocessing! with { CropBorder = 16 };      // 224 pixels of 256
        preprocessing = preprocessing.ForInput(new ImageShape(3, 256, 256));      // the same, larger: 256 of 292
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            InitialWeights = weights.WithPreprocessing(preprocessing),
            InputShape = preprocessing.Input,
            Architecture = weights.Architecture!,
            TrainableLayers = TrainableLayers.Head,
        });
        #endregion
        return trainer;
    }

    public static ResNetTrainer HeadFirst(MLContext ml)
    {
        #region HeadFirst
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Pretrained = "resnet18",
            FitHeadFirst = true,
            HeadCopies = 4,          // it sees each image four times: as it is, and cropped and mirrored
            KeepBatchNormStatistics = true, // a few hundred images are too few to measure better ones
            Epochs = 4,
            LearningRate = 0.0005,   // a higher rate forgets what ImageNet taught
            BatchSize = 32,
        });
        #endregion
        return trainer;
    }

    public static DataViewSchema LoadGraph(MLContext ml, IDataView images)
    {
        #region LoadGraph
        var weights = ResNetWeights.Load("network.onnx");
        Console.WriteLine($"{weights.Architecture}: {weights.Tensors.Length} tensors, for images of {weights.Preprocessing?.Input}");
        using var featurizer = ml.Transforms.ResNetFeaturizeImage(weights).Fit(images);
        #endregion
        return featurizer.GetOutputSchema(images.Schema);
    }

    public static ResNetTrainer FineTune(MLContext ml)
    {
        #region FineTune
        var weights = ResNetWeights.Load("resnet18-f37072fd.pth");
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet18,
            InitialWeights = weights.WithPreprocessing(ImagePreprocessing.ImageNetV1),   // PyTorch's files do not say it
            TrainableLayers = TrainableLayers.Head,
            Epochs = 3,
            BatchSize = 32,
            LearningRate = 0.01,
            Progress = new ConsoleProgress(),
        });
        #endregion
        return trainer;
    }

    public static TrainingRecipe Recipe()
    {
        #region Recipe
        var recipe = TrainingRecipe.Modern with
        {
            Epochs = 60,
            HorizontalFlip = false,                 // digits, text
            TrivialAugment = true,
            EarlyStoppingPatience = 10,             // the best epoch's network is returned
            ClassBalance = ClassBalance.Sampling,   // where some classes have few images
        };
        File.WriteAllText("recipe.json", recipe.ToJson());
        var same = TrainingRecipe.FromJson(File.ReadAllText("recipe.json"));
        #endregion
        return same;
    }

    public static LearningRateSearch FindLearningRate(ResNetTrainer trainer, IDataView images)
    {
        #region FindLearningRate
        var search = trainer.FindLearningRate(images);
        Console.WriteLine($"try LearningRate = {search.Suggested:g2}");
        #endregion
        return search;
    }

    public static ResNetTrainer Checkpoints(MLContext ml, CancellationToken cancellationToken)
    {
        #region Checkpoints
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            Epochs = 2,
            Progress = new ConsoleProgress(),
            CheckpointFolder = "checkpoints",
            LogFolder = "log",                         // history.csv, history.json, and events for TensorBoard
            MaxDuration = TimeSpan.FromHours(8),       // the next start goes on
            CancellationToken = cancellationToken,     // Ctrl+C, or the end of a service
        });
        #endregion
        return trainer;
    }

    public static ResNetTrainer OnAGpu(MLContext ml)
    {
        #region TrainOnAGpu
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            Epochs = 1,
            Device = TrainingDevice.Auto,    // the default; or TrainingDevice.Cuda(1), TrainingDevice.Cpu
        });
        #endregion
        return trainer;
    }

    public static ITransformer ScoreOnAGpu()
    {
        #region ScoreOnAGpu
        var ml = new MLContext { GpuDeviceId = 0, FallbackToCpu = true };
        var model = ml.Model.Load("model.zip", out _);
        #endregion
        return model;
    }

    public static void ScoreInBatchesOnAGpu(MLContext ml)
    {
        #region ScoreInBatchesOnAGpu
        ml.SetOnnxSessionOption(new OnnxSessionOptions
        {
            CreateSessionOptions = () => SessionOptions.MakeSessionOptionWithCudaProvider(deviceId: 0),
        });
        #endregion
    }

    public static ITransformer SeveralMachines(MLContext ml)
    {
        #region SeveralMachines
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                Epochs = 2,
                BatchSize = 16,                                      // of all processes together
                CheckpointFolder = "checkpoints-of-all",             // only rank 0 writes to it
                Distributed = DistributedTraining.Auto,              // the default
            }));
        var files = ml.Data.LoadImageFolder("photos/train");
        var model = pipeline.Fit(files);                             // in every process, which all get the same model
        if (DistributedJob.Rank == 0)
        {
            ml.Model.Save(model, files.Schema, "model.zip");         // what is to happen once
        }
        #endregion
        return model;
    }

    public static double CrossValidate(MLContext ml)
    {
        #region CrossValidate
        var files = ml.Data.LoadImageFolder("photos/train");
        var images = ml.Transforms.Conversion.MapValueToKey("Label")          // before the split: every fold has the same classes
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Fit(files).Transform(files);
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            Epochs = 2,
            Progress = new ConsoleProgress(),
            ValidationFraction = 0,                                            // CrossValidate holds out what it tests on
        });
        var folds = ml.MulticlassClassification.CrossValidate(images, trainer, numberOfFolds: 3);
        var accuracy = folds.Average(fold => fold.Metrics.MicroAccuracy);
        #endregion
        return accuracy;
    }

    public static TransformerChain<ResNetClassificationTransformer> Grayscale(MLContext ml)
    {
        #region Grayscale
        var rows = ml.Data.LoadFromTextFile("digits.csv", new TextLoader.Options
        {
            Separators = [','],
            Columns = [new TextLoader.Column("Name", DataKind.String, 0), new TextLoader.Column("Pixels", DataKind.Byte, 1, 28 * 28)],
        });
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet20,
                ImageColumnName = "Pixels",
                InputShape = new ImageShape(Channels: 1, Height: 28, Width: 28),
                Recipe = TrainingRecipe.Modern with { HorizontalFlip = false },   // a digit's mirror image is no digit
                Epochs = 2,
                Progress = new ConsoleProgress(),
            }));
        var model = pipeline.Fit(rows);
        #endregion
        return model;
    }

    public static LayerPlan Variant()
    {
        #region Variant
        var optionB = ResNetArchitecture.ResNet20 with { Name = "resnet20_b", Shortcut = ShortcutKind.B };
        var plan = LayerPlan.Create(optionB, new ImageShape(3, 32, 32), classCount: 10);
        Console.WriteLine($"{plan.ParameterCount:n0} parameters, {plan.MultiplyAdds / 1e6:f2} million multiply-adds");
        #endregion
        return plan;
    }

    public static EstimatorChain<KeyToValueMappingTransformer> ComingFromImageClassification(
        MLContext ml, CancellationToken cancellationToken)
    {
        #region OurPipeline
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.ResNet50,
                InitialWeights = ResNetWeights.Download("resnet50.imagenet1k_v1"),
                TrainableLayers = TrainableLayers.Head,
                Epochs = 50,
                BatchSize = 10,
                LearningRate = 0.01,
                Progress = new ConsoleProgress(),
                CancellationToken = cancellationToken,
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        #endregion
        return pipeline;
    }
}

#region TaggedPhoto
internal sealed class TaggedPhoto
{
    [LoadColumn(0)]
    public string ImagePath { get; set; } = "";

    [LoadColumn(1)]
    public string Tags { get; set; } = "";
}
#endregion

#region Picture
internal sealed class Picture
{
    [ImageType(32, 32)]      // a formality: images may have any size
    public MLImage? Image { get; set; }

    public string Label { get; set; } = "";
}
#endregion
