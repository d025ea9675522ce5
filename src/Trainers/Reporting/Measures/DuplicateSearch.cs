using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Looks for test images that the network was trained on: by their likeness to the network, so that a copy that was resized,
/// compressed again or cut at its edges is found too.</summary>
internal static class DuplicateSearch
{
    private const int MostShown = 24;
    private const string FeaturesColumn = "ResNet.Report.Features";

    /// <summary>Compares all test images with all training images.</summary>
    public static DuplicateResult Run(
        ResNetClassificationTransformer model, IDataView testData, IDataView trainingData, ReportOptions options)
    {
        var test = Embed(model, testData, options);
        var training = Embed(model, trainingData, options);
        var found = test.FindDuplicates(training, SimilarImages.DuplicateSimilarity);
        return new DuplicateResult(
            test.Paths.Length,
            training.Paths.Length,
            SimilarImages.DuplicateSimilarity,
            found.Length,
            [.. found.Take(MostShown).Select(pair => Show(pair, options))]);
    }

    private static SimilarImages Embed(ResNetClassificationTransformer model, IDataView data, ReportOptions options)
    {
        model.Image.CheckSame(data.Schema);
        var images = model.Image.Source == PixelSource.Image
            ? CheckedImageView.Of(model.Environment, data, model.Image.Name, new ImageDecoder())
            : data;
        using var featurizer = new ResNetFeaturizingEstimator(
            model.Environment, model.Weights, model.Architecture, model.Image.Name, model.Preprocessing, FeaturesColumn).Fit(images);
        return SimilarImages.Of(Read(featurizer.Transform(images), options));
    }

    private static IEnumerable<ImageEmbedding> Read(IDataView view, ReportOptions options)
    {
        var features = view.Schema[FeaturesColumn];
        var path = view.Schema.GetColumnOrNull(options.PathColumnName) is { Type: TextDataViewType } column
            ? column
            : (DataViewSchema.Column?)null;
        using var cursor = view.GetRowCursor(path is null ? [features] : [features, path.Value]);
        var getFeatures = cursor.GetGetter<VBuffer<float>>(features);
        var getPath = path is null ? null : cursor.GetGetter<ReadOnlyMemory<char>>(path.Value);
        var (values, name) = (default(VBuffer<float>), default(ReadOnlyMemory<char>));
        for (var row = 0L; cursor.MoveNext(); row++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            getFeatures(ref values);
            getPath?.Invoke(ref name);
            yield return new ImageEmbedding(
                getPath is null ? string.Create(CultureInfo.InvariantCulture, $"row {row}") : name.ToString(), [.. values.DenseValues()]);
        }
    }

    private static DuplicatePair Show(NearDuplicate pair, ReportOptions options) =>
        new(pair.Path, pair.Other, pair.Similarity, Picture(pair.Path, options), Picture(pair.Other, options));

    // Rows that came from no file have no picture; nor has a file that is gone since.
    private static Thumbnail? Picture(string path, ReportOptions options)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var image = new ImageDecoder().Load(path);
        return Thumbnail.Of(image, options.ThumbnailSize);
    }
}
