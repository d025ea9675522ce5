using System.Collections.Immutable;
using System.Numerics.Tensors;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Trainers.Labels;

/// <summary>The features, the label and the path of every row that has a label, in the data's order.</summary>
/// <param name="ClassNames">The names of the classes.</param>
/// <param name="Features">A vector for each row.</param>
/// <param name="Labels">The index of each row's class.</param>
/// <param name="Rows">The number of each row in the data, counted from 0; those without a label count.</param>
/// <param name="Paths">The path of each row's image; null where the data does not tell.</param>
internal sealed record FeatureTable(
    ImmutableArray<string> ClassNames, float[][] Features, int[] Labels, long[] Rows, string?[] Paths)
{
    /// <summary>Gets the number of rows.</summary>
    public int Count => Features.Length;

    /// <summary>Gets the length of each vector.</summary>
    public int FeatureCount => Features[0].Length;

    /// <summary>Reads the columns once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type.</exception>
    /// <exception cref="InvalidOperationException">There are no rows with a label, or a feature is not finite.</exception>
    public static FeatureTable Read(IDataView data, LabelIssueOptions options)
    {
        var label = LabelColumn.BindOne(data.Schema, options.LabelColumnName, "FindLabelIssues");
        var features = FeatureColumn(data.Schema, options.FeatureColumnName);
        var path = data.Schema.GetColumnOrNull(options.PathColumnName) is { Type: TextDataViewType } text
            ? text
            : (DataViewSchema.Column?)null;
        var labelColumn = data.Schema[options.LabelColumnName];
        using var cursor = data.GetRowCursor(path is null ? [labelColumn, features] : [labelColumn, features, path.Value]);
        var getLabel = cursor.GetGetter<uint>(labelColumn);
        var getFeatures = cursor.GetGetter<VBuffer<float>>(features);
        var getPath = path is null ? null : cursor.GetGetter<ReadOnlyMemory<char>>(path.Value);

        var (vectors, labels, rows, paths) = (new List<float[]>(), new List<int>(), new List<long>(), new List<string?>());
        var (key, vector, pathText) = (0u, default(VBuffer<float>), default(ReadOnlyMemory<char>));
        for (var row = 0L; cursor.MoveNext(); row++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            getLabel(ref key);
            if (key == 0)
            {
                continue;
            }

            getFeatures(ref vector);
            getPath?.Invoke(ref pathText);
            float[] values = [.. vector.DenseValues()];
            if (!float.IsFinite(TensorPrimitives.SumOfMagnitudes<float>(values)))
            {
                throw new InvalidOperationException(
                    $"Feature column '{features.Name}' has a value in row {row} that is not finite, and nothing can be learned from it. "
                    + "Look at that row's image, or leave the row out.");
            }

            vectors.Add(values);
            labels.Add((int)key - 1);
            rows.Add(row);
            paths.Add(getPath is null ? null : pathText.ToString());
        }

        return vectors.Count > 0
            ? new FeatureTable(label.ClassNames(), [.. vectors], [.. labels], [.. rows], [.. paths])
            : throw new InvalidOperationException("The data has no rows with a label, so there is no label to look at.");
    }

    /// <summary>Shifts and scales each feature to mean 0 and deviation 1, in place; one that is always the same becomes 0.</summary>
    public void Standardize()
    {
        var (mean, deviation) = (new double[FeatureCount], new double[FeatureCount]);
        foreach (var vector in Features)
        {
            for (var i = 0; i < vector.Length; i++)
            {
                mean[i] += (double)vector[i] / Count;
            }
        }

        foreach (var vector in Features)
        {
            for (var i = 0; i < vector.Length; i++)
            {
                deviation[i] += Math.Pow(vector[i] - mean[i], 2) / Count;
            }
        }

        foreach (var vector in Features)
        {
            for (var i = 0; i < vector.Length; i++)
            {
                vector[i] = deviation[i] > 0 ? (float)((vector[i] - mean[i]) / Math.Sqrt(deviation[i])) : 0;
            }
        }
    }

    private static DataViewSchema.Column FeatureColumn(DataViewSchema schema, string name)
    {
        var column = schema.GetColumnOrNull(name) ?? throw new ArgumentOutOfRangeException(
            nameof(schema),
            $"There is no feature column '{name}'. Put Transforms.ResNetFeaturizeImage before, "
            + "or name the column in the options' FeatureColumnName.");
        return column.Type is VectorDataViewType { IsKnownSize: true } vector && vector.ItemType == NumberDataViewType.Single
            ? column
            : throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Feature column '{name}' is {column.Type}, but must be a vector of floats of a known size, "
                + "as Transforms.ResNetFeaturizeImage makes it.");
    }
}
