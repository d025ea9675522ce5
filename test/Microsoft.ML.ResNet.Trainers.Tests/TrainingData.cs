using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>Data with a key for a label, and options that train on it in a second.</summary>
internal static class TrainingData
{
    /// <summary>The smallest network that has every kind of layer of its family.</summary>
    public static readonly ResNetArchitecture Tiny = new("tiny", BlockKind.Basic, [1, 1])
    {
        Stem = StemKind.SmallImage,
        Shortcut = ShortcutKind.A,
        BaseWidth = 8,
    };

    public static readonly ImageShape Shape = new(3, 16, 16);

    public static ResNetTrainer.Options Options =>
        new() { Architecture = Tiny, InputShape = Shape, Epochs = 2, BatchSize = 16, Seed = 5, Precision = TrainingPrecision.Float32 };

    /// <summary>Trains <see cref="Tiny"/> on vectors of pixels.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="data">Such as <see cref="Vectors(MLContext, int, int)"/>.</param>
    /// <param name="options">What a test asks for: the network, its input and what makes it quick and repeatable are set here.</param>
    public static ResNetClassificationTransformer Fit(MLContext ml, IDataView data, ResNetTrainer.Options options) =>
        ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = Tiny,
            InputShape = Shape,
            ImageColumnName = nameof(PixelRow.Bytes),
            BatchSize = 16,
            Precision = TrainingPrecision.Float32,
            ThreadCount = 1,
            Seed = options.Seed,
            Epochs = options.Epochs,
            LearningRate = options.LearningRate,
            Recipe = options.Recipe,
            ValidationFraction = options.ValidationFraction,
            InitialWeights = options.InitialWeights,
            TrainableLayers = options.TrainableLayers,
            EpochsPerUnfreezing = options.EpochsPerUnfreezing,
            FitHeadFirst = options.FitHeadFirst,
            HeadCopies = options.HeadCopies,
            KeepBatchNormStatistics = options.KeepBatchNormStatistics,
            CheckpointFolder = options.CheckpointFolder,
            Progress = options.Progress,
            SamplePredictions = options.SamplePredictions,
            CancellationToken = options.CancellationToken,
        }).Fit(data);

    public static IDataView Vectors(MLContext ml, PixelRow[] rows)
    {
        var view = Pictures.Load(ml, rows);
        return ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(view).Transform(view);
    }

    public static IDataView Vectors(MLContext ml, int perClass = 8, int classes = 3) =>
        Vectors(ml, Pictures.Rows(perClass, Shape.Height, Shape.Width, Shape.Channels, classes: classes));

    public static IDataView Images(MLContext ml, string folder)
    {
        var files = ml.Data.LoadImageFolder(folder);
        return ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Fit(files)
            .Transform(files);
    }
}
