using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.Transforms.Image;

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
        var model = mlContext.Model.Load(modelPath, out _);
        var testData = mlContext.Data.LoadFromEnumerable(
            ReadImages(mlContext, SplitImages(mlContext, LoadImageFromFolder(mlContext, inputDataFolderPath)).TestSet));
        var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(testData));
        (model as IDisposable)?.Dispose();
        return metrics;
    }

    // A loaded model is ML.NET's own, which would decode whatever a file claims. A file that cannot be read is an error that names it.
    private static IEnumerable<TestImage> ReadImages(MLContext mlContext, IDataView images)
    {
        foreach (var file in mlContext.Data.CreateEnumerable<LabeledImage>(images, reuseRowObject: true))
        {
            using var image = ResNetImage.Load(file.ImagePath, MaxImagePixels);
            yield return new TestImage { Label = file.Label, ImageSource = image };
        }
    }

    /// <summary>Lists the images that were held out.</summary>
    /// <param name="inputDataFolderPath">The folder.</param>
    /// <returns>The paths of the files.</returns>
    public static IEnumerable<string> TestImages(string inputDataFolderPath)
    {
        var mlContext = new MLContext(Config.TrainingOption.Seed);
        return SplitImages(mlContext, LoadImageFromFolder(mlContext, inputDataFolderPath)).TestSet.GetColumn<string>("ImagePath");
    }

    // The columns that the model reads.
    private sealed class TestImage
    {
        public string Label { get; set; } = "";

        [ImageType(1, 1)] // a formality: images of any size may come
        public MLImage? ImageSource { get; set; }
    }
}
