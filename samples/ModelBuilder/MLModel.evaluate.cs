using Microsoft.ML;
using Microsoft.ML.Data;

namespace ModelBuilder;

public static partial class MLModel
{
    /// <summary>Tests the saved model on the images that were held out.</summary>
    /// <param name="modelPath">The model: <see cref="MLNetModelPath"/>.</param>
    /// <param name="inputDataFolderPath">The folder that it was trained on.</param>
    /// <returns>Accuracy, log-loss and the confusion matrix.</returns>
    public static MulticlassClassificationMetrics Evaluate(string modelPath, string inputDataFolderPath)
    {
        var mlContext = new MLContext(Config.TrainingOption.Seed);
        var model = LoadModel(mlContext, modelPath);
        var testData = SplitImages(mlContext, LoadImageFromFolder(mlContext, inputDataFolderPath)).TestSet;
        var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(testData));
        (model as IDisposable)?.Dispose();
        return metrics;
    }

    /// <summary>Lists the images that were held out.</summary>
    /// <param name="inputDataFolderPath">The folder.</param>
    /// <returns>The paths of the files.</returns>
    public static IEnumerable<string> TestImages(string inputDataFolderPath)
    {
        var mlContext = new MLContext(Config.TrainingOption.Seed);
        return SplitImages(mlContext, LoadImageFromFolder(mlContext, inputDataFolderPath)).TestSet.GetColumn<string>("ImagePath");
    }
}
