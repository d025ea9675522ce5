using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using Microsoft.ML.ResNet.Trainers.Reporting.Pages;

#pragma warning disable RS0026 // WriteReport has no call that is ambiguous: its overloads differ in what they extend

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Writes reports on trained networks.</summary>
public static class ResNetReport
{
    /// <summary>
    /// Tests a network and writes what there is to know about it into one HTML file: how it was trained, how often it is right, what it
    /// confuses, its worst mistakes as pictures with what it looked at, how far its probabilities can be trusted, and how strongly its
    /// layers respond.
    /// </summary>
    /// <remarks>
    /// The file loads nothing and runs nothing: charts and pictures are inside, and it opens from disk. It follows the reader's choice of
    /// light or dark, and prints. The data is read row by row, and only the pictures of the worst mistakes are kept: once in whole, once
    /// more for each of <see cref="ReportOptions.TestTimeViews"/>, and of its images once more those of the mistakes and of the layers'
    /// responses. These three run in Torch, and so need a libtorch package; without them a report needs none.
    /// <para>Where an image has any number of labels, the report shows how well each label is told, in place of what is confused, of
    /// mistakes, views and calibration.</para>
    /// </remarks>
    /// <param name="model">The network.</param>
    /// <param name="path">The file to write; an existing one is replaced, when the new one is whole.</param>
    /// <param name="testData">Labelled data that the network was not trained on, with the columns that it was trained on.</param>
    /// <param name="options">What the report holds beside the numbers; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type, a label is no class of the network, or an
    /// option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The data has no rows with a label, or other rows when it is read again.</exception>
    /// <exception cref="BadImageException">An image cannot be read.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch; the message names the package to add.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    /// <exception cref="OperationCanceledException">The options' token asked to stop.</exception>
    public static void WriteReport(
        this ResNetClassificationTransformer model, string path, IDataView testData, ReportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(testData);
        options ??= new ReportOptions();
        options.Validate();

        // The file is opened first: a path that cannot be written fails before the network is tested, and not after.
        WholeFile.Write(path, stream => Html.Write(
            model.IsMultilabel
                ? ReportPage.Create(MultilabelMeasurement.Run(model, testData, options))
                : ReportPage.Create(Measurement.Run(model, testData, options)),
            stream));
    }

    /// <summary>Writes a report on the network in a fitted pipeline; data goes through the pipeline's stages before it first.</summary>
    /// <param name="pipeline">The pipeline, with one network in it.</param>
    /// <param name="path">The file to write; an existing one is replaced, when the new one is whole.</param>
    /// <param name="testData">Labelled data as it comes to the pipeline, which the network was not trained on.</param>
    /// <param name="options">
    /// What the report holds beside the numbers; null for the defaults. Their calibration and training data go through the same stages.
    /// </param>
    /// <exception cref="ArgumentException">The pipeline holds no network of this library.</exception>
    /// <inheritdoc cref="WriteReport(ResNetClassificationTransformer, string, IDataView, ReportOptions)" path="/exception"/>
    public static void WriteReport(this ITransformer pipeline, string path, IDataView testData, ReportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(testData);
        options ??= new ReportOptions();
        var (calibrationData, trainingData) = (options.CalibrationData, options.TrainingData);
        foreach (var stage in ResNetTransformerExtensions.Stages(pipeline))
        {
            if (stage is ResNetClassificationTransformer model)
            {
                model.WriteReport(path, testData, options with { CalibrationData = calibrationData, TrainingData = trainingData });
                return;
            }

            testData = stage.Transform(testData);
            calibrationData = calibrationData is null ? null : stage.Transform(calibrationData);
            trainingData = trainingData is null ? null : stage.Transform(trainingData);
        }

        throw new ArgumentException(
            "The pipeline holds no ResNetClassificationTransformer. One loaded from a file holds ML.NET's own stages instead: "
            + "open the file with ResNetPredictor.Load, and write the report on that.",
            nameof(pipeline));
    }

    /// <summary>Writes a report on a network that was loaded from a file, and a folder of test images.</summary>
    /// <param name="predictor">The network: <see cref="ResNetPredictor.Load(string)"/>.</param>
    /// <param name="path">The file to write; an existing one is replaced, when the new one is whole.</param>
    /// <param name="testFolder">
    /// The test images: a sub-folder for each class, named as the network's classes are. Classes without a folder are not tested.
    /// </param>
    /// <param name="options">What the report holds beside the numbers; null for the defaults.</param>
    /// <exception cref="InvalidOperationException">The folder has no images, or the predictor was loaded from a stream.</exception>
    /// <exception cref="InvalidDataException">The network is quantized: its file holds integers.</exception>
    /// <inheritdoc cref="WriteReport(ResNetClassificationTransformer, string, IDataView, ReportOptions)" path="/exception"/>
    public static void WriteReport(this ResNetPredictor predictor, string path, string testFolder, ReportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(predictor);
        ArgumentException.ThrowIfNullOrEmpty(testFolder);
        options ??= new ReportOptions();
        var mlContext = new MLContext();
        using var model = predictor.ToTransformer(mlContext);
        var files = mlContext.Data.LoadImageFolder(testFolder);
        var images = mlContext.Transforms.Conversion.MapValueToKey(options.LabelColumnName, "Label")
            .Append(mlContext.Transforms.LoadImages(model.Image.Name, null, "ImagePath"))
            .Fit(files).Transform(files);
        model.WriteReport(path, images, options);
    }
}
