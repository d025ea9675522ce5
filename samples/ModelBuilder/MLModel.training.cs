using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace ModelBuilder;

public static partial class MLModel
{
    private static readonly Lazy<TrainingConfig> ConfigFile = new(
        () => TrainingConfig.Load(Path.Combine(AppContext.BaseDirectory, "MLModel.mbconfig")));

    /// <summary>Gets what MLModel.mbconfig says: where the images are, and how the network is trained on them.</summary>
    internal static TrainingConfig Config => ConfigFile.Value;

    /// <summary>Trains on the folder's images, all but those held out for testing, and saves the model.</summary>
    /// <param name="outputModelPath">Where the model is saved: <see cref="MLNetModelPath"/>.</param>
    /// <param name="inputDataFolderPath">The folder, with a sub-folder of images for each class.</param>
    /// <param name="progress">Told how training goes.</param>
    public static void Train(string outputModelPath, string inputDataFolderPath, IProgress<TrainingProgress>? progress = null)
    {
        var mlContext = new MLContext(Config.TrainingOption.Seed);
        var trainData = SplitImages(mlContext, LoadImageFromFolder(mlContext, inputDataFolderPath)).TrainSet;
        var model = RetrainModel(mlContext, trainData, progress);
        SaveModel(mlContext, model, trainData, outputModelPath);
    }

    /// <summary>Lists a folder's images; they are decoded when rows are read.</summary>
    /// <param name="mlContext">The context of all of ML.NET's operations.</param>
    /// <param name="folder">The folder, with a sub-folder of images for each class.</param>
    /// <returns>The columns <c>ImageSource</c>, <c>Label</c>, <c>ImagePath</c> and <c>Name</c>, the path within the folder.</returns>
    public static IDataView LoadImageFromFolder(MLContext mlContext, string folder)
    {
        var files = mlContext.Data.CreateEnumerable<ImageFolderRow>(mlContext.Data.LoadImageFolder(folder), reuseRowObject: false);
        var rows = mlContext.Data.LoadFromEnumerable(files.Select(file => new LabeledImage
        {
            Label = file.Label,
            ImagePath = file.ImagePath,
            Name = Path.GetRelativePath(folder, file.ImagePath).Replace('\\', '/'),
        }));
        return mlContext.Transforms.LoadImages("ImageSource", null, "ImagePath").Fit(rows).Transform(rows);
    }

    /// <summary>Holds out images for testing.</summary>
    /// <remarks>
    /// An image's name alone decides on which side it is: a model is never tested on what it was
    /// trained on, however many images are added later.
    /// </remarks>
    /// <param name="mlContext">The context of all of ML.NET's operations.</param>
    /// <param name="images">What <see cref="LoadImageFromFolder"/> returned.</param>
    /// <returns>The images to train on and those to test on.</returns>
    public static DataOperationsCatalog.TrainTestData SplitImages(MLContext mlContext, IDataView images) =>
        mlContext.Data.TrainTestSplit(
            images, Config.TrainingOption.TestFraction, samplingKeyColumnName: "Name", seed: Config.TrainingOption.Seed);

    /// <summary>Trains a model.</summary>
    /// <param name="mlContext">The context of all of ML.NET's operations.</param>
    /// <param name="trainData">The images, as <see cref="LoadImageFromFolder"/> returns them.</param>
    /// <param name="progress">Told how training goes.</param>
    /// <returns>The trained model. Its <c>GetResNet()</c> tells how the training went, writes reports and exports ONNX.</returns>
    public static ITransformer RetrainModel(MLContext mlContext, IDataView trainData, IProgress<TrainingProgress>? progress = null) =>
        BuildPipeline(mlContext, progress).Fit(trainData);

    /// <summary>Makes the pipeline: labels to keys, the network, keys to labels.</summary>
    /// <param name="mlContext">The context of all of ML.NET's operations.</param>
    /// <param name="progress">Told how training goes.</param>
    /// <returns>The pipeline. To change how it learns, change the options here.</returns>
    public static IEstimator<ITransformer> BuildPipeline(MLContext mlContext, IProgress<TrainingProgress>? progress = null)
    {
        var option = Config.TrainingOption;
        return mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.Parse(option.Architecture),
                ImageColumnName = "ImageSource",
                InputShape = new ImageShape(3, option.ImageSize, option.ImageSize),
                Epochs = option.Epochs,
                BatchSize = 32,
                LearningRate = 0.05,
                OnBadImage = BadImageHandling.Skip,
                MaxImagePixels = MaxImagePixels,
                Progress = progress,
                // With few images, start from published weights: InitialWeights = ResNetWeights.Download("resnet18.imagenet1k_v1").
            }))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));
    }

    /// <summary>Saves a model. The file appears whole or not at all.</summary>
    /// <param name="mlContext">The context of all of ML.NET's operations.</param>
    /// <param name="model">The model.</param>
    /// <param name="data">What it was trained on.</param>
    /// <param name="modelSavePath">Where it is saved.</param>
    public static void SaveModel(MLContext mlContext, ITransformer model, IDataView data, string modelSavePath)
    {
        var unfinished = $"{modelSavePath}.new";
        mlContext.Model.Save(model, data.Schema, unfinished);
        File.Move(unfinished, modelSavePath, overwrite: true);
    }

    private sealed class LabeledImage
    {
        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";

        public string Name { get; set; } = "";
    }
}
