using System.Numerics.Tensors;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Labels;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>
/// Looks for wrong labels: reads features once, judges every label, and then reads the images of the list for its pictures.
/// </summary>
internal static class LabelIssueSearch
{
    /// <summary>Searches.</summary>
    /// <param name="environment">The environment to register components with.</param>
    /// <param name="featurized">The rows with features.</param>
    /// <param name="data">The same rows, from which pictures are made.</param>
    /// <param name="options">The names of the columns, and how the search goes.</param>
    public static LabelIssues Run(IHostEnvironment environment, IDataView featurized, IDataView data, LabelIssueOptions options)
    {
        var table = FeatureTable.Read(featurized, options);
        table.Standardize();
        var probabilities = CrossValidatedHead.Probabilities(table, options.Folds, options.Seed, options.CancellationToken);
        var issues = Find(table, probabilities, out var agreeing);
        var pictures = Pictures(environment, data, [.. issues.Take(options.Thumbnails).Select(issue => issue.Row)], options);
        return new LabelIssues(
            [.. issues.Select(issue => issue with { Thumbnail = pictures.GetValueOrDefault(issue.Row) })],
            table.Count,
            (double)agreeing / table.Count);
    }

    private static LabelIssue[] Find(FeatureTable table, ReadOnlySpan<float> probabilities, out int agreeing)
    {
        var classes = table.ClassNames.Length;
        var counts = new int[classes];
        foreach (var label in table.Labels)
        {
            counts[label]++;
        }

        var thresholds = ConfidentLearning.Thresholds(probabilities, table.Labels, classes);
        var issues = new List<LabelIssue>();
        agreeing = 0;
        for (var row = 0; row < table.Count; row++)
        {
            var judged = probabilities.Slice(row * classes, classes);
            var label = table.Labels[row];
            agreeing += TensorPrimitives.IndexOfMax(judged) == label ? 1 : 0;
            var suggested = ConfidentLearning.ClassOf(judged, thresholds);

            // A class of one image is unknown to the head that judges it. And where the label stays the likeliest, there is nothing to
            // suggest.
            if (suggested != ConfidentLearning.None && counts[label] > 1 && judged[suggested] > judged[label])
            {
                issues.Add(new LabelIssue(
                    table.Rows[row], table.Paths[row], table.ClassNames[label], table.ClassNames[suggested],
                    judged[label], judged[suggested]));
            }
        }

        return [.. issues.OrderByDescending(issue => issue.Margin).ThenBy(issue => issue.Row)];
    }

    // Only the images of these rows are decoded.
    private static Dictionary<long, Thumbnail> Pictures(
        IHostEnvironment environment, IDataView data, HashSet<long> rows, LabelIssueOptions options)
    {
        var pictures = new Dictionary<long, Thumbnail>();
        if (rows.Count == 0 || data.Schema.GetColumnOrNull(options.ImageColumnName) is not { Type: ImageDataViewType })
        {
            return pictures;
        }

        var view = CheckedImageView.Of(environment, data, options.ImageColumnName, new ImageDecoder());
        var column = view.Schema[options.ImageColumnName];
        using var cursor = view.GetRowCursor([column]);
        var getImage = cursor.GetGetter<MLImage>(column);
        MLImage image = null!;
        for (var row = 0L; pictures.Count < rows.Count && cursor.MoveNext(); row++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            if (rows.Contains(row))
            {
                getImage(ref image); // the cursor's, which disposes of it
                pictures.Add(row, Thumbnail.Of(image, options.ThumbnailSize));
            }
        }

        return pictures;
    }
}
