using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using Microsoft.ML.ResNet.Trainers.Reporting.Pages;

#pragma warning disable RS0026 // FindLabelIssues has no call that is ambiguous: its overloads differ in what they extend

namespace Microsoft.ML;

/// <summary>Finds the labels of training data that are probably wrong.</summary>
public static class ResNetLabelIssues
{
    private const string OwnFeatures = "ResNet.LabelFeatures"; // unlikely to be a user's

    /// <summary>
    /// Finds the labels that are probably wrong, from features that the data has: those of a network that was trained on other images.
    /// </summary>
    /// <remarks>
    /// <para>Features of all images are read once. They are divided into folds; each fold is judged by a head, a multinomial logistic
    /// regression, that the other folds trained. So every image has probabilities from a head that did not see its label. An image
    /// whose label does not fit is then found by confident learning (Northcutt, Jiang and Chuang, 2021,
    /// https://arxiv.org/abs/1911.00068): its probability of another class is at least the mean of what images labelled so have, and is
    /// above that of its label.</para>
    /// <para>The features of all images are kept in memory: 2 kB for each image and 512 features. No libtorch is needed.</para>
    /// </remarks>
    /// <param name="catalog"><see cref="MLContext.MulticlassClassification"/>.</param>
    /// <param name="data">Data with a label key and a vector of features, as <c>Transforms.ResNetFeaturizeImage</c> adds it.</param>
    /// <param name="options">The columns' names, and how the search goes; null for the defaults.</param>
    /// <returns>The labels, the surest first.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type, or an option is out of its
    /// range.</exception>
    /// <exception cref="InvalidOperationException">The data has no rows with a label, or a feature is not finite.</exception>
    /// <exception cref="BadImageException">An image cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The options' token asked to stop.</exception>
    public static LabelIssues FindLabelIssues(
        this MulticlassClassificationCatalog catalog, IDataView data, LabelIssueOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        options ??= new LabelIssueOptions();
        options.Validate();
        return LabelIssueSearch.Run(catalog.GetEnvironment(), data, data, options);
    }

    /// <summary>Finds the labels that are probably wrong, from the features of a trained network.</summary>
    /// <remarks>
    /// A network that was trained on the same images has learned their wrong labels too, the more the longer it was trained: it finds fewer
    /// of them than one that was trained on others, such as ImageNet's.
    /// </remarks>
    /// <param name="model">The network. Its classes may be others than the data's: only its features are used.</param>
    /// <param name="data">Data with a label key and the network's image column.</param>
    /// <param name="options">The columns' names, and how the search goes; null for the defaults.</param>
    /// <returns>The labels, the surest first.</returns>
    /// <inheritdoc cref="FindLabelIssues(MulticlassClassificationCatalog, IDataView, LabelIssueOptions)" path="/exception"/>
    public static LabelIssues FindLabelIssues(
        this ResNetClassificationTransformer model, IDataView data, LabelIssueOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        options = (options ?? new LabelIssueOptions()) with { FeatureColumnName = OwnFeatures, ImageColumnName = model.Image.Name };
        options.Validate();
        model.Image.CheckSame(data.Schema);
        var images = model.Image.Source == PixelSource.Image
            ? CheckedImageView.Of(model.Environment, data, model.Image.Name, new ImageDecoder())
            : data;
        var featurize = new ResNetFeaturizingEstimator(
            model.Environment, model.Weights, model.Architecture, model.Image.Name, model.Preprocessing, OwnFeatures);
        using var features = featurize.Fit(images);
        return LabelIssueSearch.Run(model.Environment, features.Transform(images), data, options);
    }

    /// <summary>
    /// Finds the labels that are probably wrong, from the features of the network in a fitted pipeline; data goes through the pipeline's
    /// stages before it first.
    /// </summary>
    /// <param name="pipeline">The pipeline, with one network in it.</param>
    /// <param name="data">Labelled data as it comes to the pipeline.</param>
    /// <param name="options">The columns' names, and how the search goes; null for the defaults.</param>
    /// <returns>The labels, the surest first.</returns>
    /// <exception cref="ArgumentException">The pipeline holds no network of this library.</exception>
    /// <inheritdoc cref="FindLabelIssues(ResNetClassificationTransformer, IDataView, LabelIssueOptions)" path="/exception"/>
    public static LabelIssues FindLabelIssues(this ITransformer pipeline, IDataView data, LabelIssueOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(data);
        foreach (var stage in ResNetTransformerExtensions.Stages(pipeline))
        {
            if (stage is ResNetClassificationTransformer model)
            {
                return model.FindLabelIssues(data, options);
            }

            data = stage.Transform(data);
        }

        throw new ArgumentException(
            "The pipeline holds no ResNetClassificationTransformer. One loaded from a file holds ML.NET's own stages instead: read its "
            + "weights by ResNetWeights.Load, put Transforms.ResNetFeaturizeImage into a pipeline, and give its features to "
            + "mlContext.MulticlassClassification.FindLabelIssues.",
            nameof(pipeline));
    }

    /// <summary>
    /// Writes the list into one HTML file, with the pictures that were kept. It loads nothing and runs nothing, and opens from disk.
    /// </summary>
    /// <remarks>It stands in a network's report too, if it is given as <see cref="ReportOptions.LabelIssues"/>.</remarks>
    /// <param name="issues">The list.</param>
    /// <param name="path">The file to write; an existing one is replaced, once the new one is whole.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public static void WriteReport(this LabelIssues issues, string path)
    {
        ArgumentNullException.ThrowIfNull(issues);
        ArgumentException.ThrowIfNullOrEmpty(path);
        WholeFile.Write(path, stream => Html.Write(ReportPage.Create(issues), stream));
    }
}
