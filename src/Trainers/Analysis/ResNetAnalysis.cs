using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Trainers.Analysis;
using Microsoft.ML.ResNet.Trainers.Loop;

#pragma warning disable RS0026 // GradCam has no call that is ambiguous: its overloads differ in what they extend

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// Looks into classifiers, trained here or published: how they respond, what they look at, and how they do on several views of an image.
/// </summary>
/// <remarks>The networks run in Torch, in float32, so the application needs a libtorch package, as for training.</remarks>
public static class ResNetAnalysis
{
    /// <summary>
    /// Measures how strongly each 3×3 layer responds: the standard deviation of its results (He et al., 2016, section 4.2 and figure 7).
    /// </summary>
    /// <remarks>
    /// A response is a 3×3 convolution's result after batch normalization and before the nonlinearity or the addition; in residual networks
    /// those of a block's last layer are the residual function's. The stem counts where it is 3×3, as in the CIFAR networks; 7×7 and 1×1
    /// layers do not. In pre-activation networks, where normalization comes first, a response is likewise what the next nonlinearity or
    /// addition reads: after the normalization that follows the convolution, if nothing else reads its result, and otherwise the
    /// convolution's own result.
    /// </remarks>
    /// <example><code>
    /// foreach (var response in model.LayerResponses(test, maximumImages: 1000))
    ///     Console.WriteLine($"{response.Index,3} {response.Layer,-16} {response.StandardDeviation:F3}");
    /// </code></example>
    /// <param name="model">The classifier.</param>
    /// <param name="images">Data with the classifier's image column; it is read once, and no label is needed.</param>
    /// <param name="maximumImages">The most images to read, from the first row on; null for all. LoadImageFolder orders rows by class:
    /// shuffle them before LoadImages.</param>
    /// <returns>The responses, from the image on.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type, or the maximum is not
    /// positive.</exception>
    /// <exception cref="InvalidOperationException">The data has no rows.</exception>
    /// <exception cref="BadImageException">An image cannot be read.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch; the message names the package to add.</exception>
    public static ImmutableArray<LayerResponse> LayerResponses(
        this ResNetClassificationTransformer model, IDataView images, int? maximumImages = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumImages ?? 1, nameof(maximumImages));
        model.Image.CheckSame(images.Schema);
        TorchRuntime.Initialize();
        var batchSize = PixelBatches.SizeFor(model.Plan.Input.Height, model.Plan.Input.Width);
        return TrainingThread.Run(() => ResponseMeter.Measure(model, images, maximumImages ?? long.MaxValue, batchSize));
    }

    /// <summary>Shows where in an image the network finds a class (Grad-CAM: Selvaraju et al., 2017).</summary>
    /// <remarks>
    /// The image is read as it is for scoring. The last stage has the most meaning and the least detail; there, for these networks, the map
    /// is the positive part of the class activation map of Zhou et al. (2016).
    /// </remarks>
    /// <example><code>
    /// using var image = MLImage.CreateFromFile("bee.jpg");
    /// var map = model.GradCam(image);
    /// using var overlay = map.Overlay();
    /// overlay.Save($"{map.ClassName} {map.Probability:P0}.png");
    /// </code></example>
    /// <param name="model">The classifier, whose image column holds images.</param>
    /// <param name="image">The image, of any size; it stays the caller's.</param>
    /// <param name="className">One of the model's <see cref="ResNetClassificationTransformer.ClassNames"/>; null for the class
    /// predicted.</param>
    /// <param name="stage">The stage to look at, from 1 to the number of the architecture's stages; null for the last.</param>
    /// <returns>The heat map.</returns>
    /// <exception cref="ArgumentException">There is no such class.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such stage.</exception>
    /// <exception cref="InvalidOperationException">The classifier reads vectors.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch; the message names the package to add.</exception>
    public static GradCamMap GradCam(this ResNetClassificationTransformer model, MLImage image, string? className = null, int? stage = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(image);
        if (model.Image.Source != PixelSource.Image)
        {
            throw new InvalidOperationException(
                $"Column '{model.Image.Name}' of this classifier holds vectors, but Grad-CAM explains images. "
                + "Transforms.ApplyResNet makes a classifier of images with the same weights; "
                + "its preprocessing is in the units of an image's pixels, 0 to 255.");
        }

        var stages = model.Architecture.Depths.Length;
        if (stage is < 1 || stage > stages)
        {
            throw new ArgumentOutOfRangeException(nameof(stage), stage, $"{model.Architecture.Name} has the stages 1 to {stages}.");
        }

        var classIndex = className is null ? (int?)null : model.ClassNames.IndexOf(className);
        if (classIndex == -1)
        {
            throw new ArgumentException(
                $"There is no class '{className}'. There are: {string.Join(", ", model.ClassNames.Take(20))}"
                + $"{(model.ClassNames.Length > 20 ? ", …" : "")}.",
                nameof(className));
        }

        TorchRuntime.Initialize();
        var explained = new ExplainedImage(image, model.Preprocessing);
        return TrainingThread.Run(() => Analysis.GradCam.Explain(model, explained, classIndex, stage ?? stages));
    }

    /// <summary>Shows where in an image a network that was loaded from a file finds a class.</summary>
    /// <remarks>
    /// The network is read anew for each call: for many images, call <see cref="ResNetPredictor.ToTransformer"/> once, and this on that.
    /// </remarks>
    /// <param name="predictor">The network: <see cref="ResNetPredictor.Load(string)"/>.</param>
    /// <param name="image">The image, of any size; it stays the caller's.</param>
    /// <param name="className">One of the network's classes; null for the class predicted.</param>
    /// <param name="stage">The stage to look at, from 1 to the number of the architecture's stages; null for the last.</param>
    /// <returns>The heat map.</returns>
    /// <exception cref="InvalidOperationException">The predictor was loaded from a stream.</exception>
    /// <exception cref="InvalidDataException">The network is quantized: its file holds integers.</exception>
    /// <inheritdoc cref="GradCam(ResNetClassificationTransformer, MLImage, string?, int?)" path="/exception"/>
    public static GradCamMap GradCam(this ResNetPredictor predictor, MLImage image, string? className = null, int? stage = null)
    {
        ArgumentNullException.ThrowIfNull(predictor);
        using var model = predictor.ToTransformer(new MLContext());
        return model.GradCam(image, className, stage);
    }

    /// <summary>Scores several views of each image: Score is the mean of the views' probabilities.</summary>
    /// <remarks>
    /// Rows are scored while they are read, in batches, and again each time that the result is read; <see
    /// cref="DataOperationsCatalog.Cache"/> of its Score and PredictedLabel keeps them. Memory does not grow with the data.
    /// </remarks>
    /// <example><code>
    /// var scored = model.Transform(test, TestTimeViews.TenCrop);
    /// var metrics = mlContext.MulticlassClassification.Evaluate(scored);
    /// </code></example>
    /// <param name="model">The classifier.</param>
    /// <param name="input">Data with the classifier's image column.</param>
    /// <param name="views">The views.</param>
    /// <returns>The data's columns, Score and PredictedLabel: of the types, and with the annotations, that the model itself adds.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type, or a scale is too small for the
    /// network.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch; the message names the package to add.</exception>
    public static IDataView Transform(this ResNetClassificationTransformer model, IDataView input, TestTimeViews views)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(views);
        TorchRuntime.Initialize();
        return new ScoredView(model, input, views);
    }

    /// <summary>Measures how a network does on several views of each image.</summary>
    /// <example><code>
    /// var metrics = model.Evaluate(test, TestTimeViews.TenCrop, topKPredictionCount: 5);
    /// Console.WriteLine($"top-1 {metrics.MicroAccuracy:P2}, top-5 {metrics.TopKAccuracy:P2}");
    /// </code></example>
    /// <param name="model">The classifier.</param>
    /// <param name="data">Data with the classifier's image column, and a label.</param>
    /// <param name="views">The views.</param>
    /// <param name="labelColumnName">The label column: a key with the model's own class names, in their order.</param>
    /// <param name="topKPredictionCount">The predictions among which <see cref="MulticlassClassificationMetrics.TopKAccuracy"/> looks for
    /// the label; 0 for no such metric.</param>
    /// <returns>ML.NET's own metrics.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A column is missing or of the wrong type, the label has other classes, or a scale is too small for the network.
    /// </exception>
    /// <exception cref="BadImageException">An image cannot be read.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch; the message names the package to add.</exception>
    public static MulticlassClassificationMetrics Evaluate(
        this ResNetClassificationTransformer model,
        IDataView data,
        TestTimeViews views,
        string labelColumnName = "Label",
        int topKPredictionCount = 0)
    {
        var scored = model.Transform(data, views);
        CheckClasses(LabelColumn.BindOne(data.Schema, labelColumnName, nameof(Evaluate)), model.ClassNames);
        return MLNetInternals.NewMulticlassCatalog(model.Environment).Evaluate(
            scored, labelColumnName, topKPredictionCount: topKPredictionCount);
    }

    // The evaluator compares keys by number: another order of names would go unnoticed.
    private static void CheckClasses(LabelColumn label, ImmutableArray<string> classNames)
    {
        var names = label.ClassNames();
        if (label.Annotations.Schema.GetColumnOrNull("KeyValues") is not null && !names.SequenceEqual(classNames))
        {
            throw new ArgumentOutOfRangeException("data",
                $"Label column '{label.Name}' has the values {Some(names)}, but the network's classes are {Some(classNames)}. "
                + "Transform the data with the MapValueToKey that the network was trained after, or give ApplyResNet the class names in "
                + "the label's order.");
        }

        static string Some(ImmutableArray<string> names) =>
            $"{string.Join(", ", names.Take(5))}{(names.Length > 5 ? $", … ({names.Length})" : "")}";
    }
}
