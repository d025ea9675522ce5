using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Evaluation;

/// <summary>The columns of labels and of their probabilities, checked against each other.</summary>
/// <param name="Label">The column of labels.</param>
/// <param name="ScoreName">The name of the column of probabilities.</param>
/// <param name="Names">The names of the labels.</param>
internal sealed record ScoredLabels(LabelColumn Label, string ScoreName, ImmutableArray<string> Names)
{
    public static ScoredLabels Bind(DataViewSchema schema, string labelName, string scoreName)
    {
        var label = LabelColumn.Bind(schema, labelName);
        if (!label.IsMultilabel)
        {
            throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Label column '{labelName}' is {label.Type}: one label for each image. "
                + "Several labels are a vector of keys or of Booleans. One label for each is evaluated by ML.NET's own "
                + "MulticlassClassification.Evaluate.");
        }

        var score = schema.GetColumnOrNull(scoreName)
            ?? throw new ArgumentOutOfRangeException(
                nameof(schema), $"There is no score column '{scoreName}'. Give the data that a trained model's Transform returns.");
        if (score.Type is not VectorDataViewType { IsKnownSize: true } vector || vector.ItemType != NumberDataViewType.Single
            || vector.Size != label.ClassCount)
        {
            throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Score column '{scoreName}' is {score.Type}, but must be a vector of {label.ClassCount} floats: one for each label of "
                + $"column '{labelName}'. Give the data that a trained model's Transform returns.");
        }

        var (names, scored) = (label.ClassNames(), NamesOf(score));
        if (!scored.IsEmpty && label.HasNames && !names.SequenceEqual(scored))
        {
            throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Label column '{labelName}' has the labels {Some(names)}, but score column '{scoreName}' those of {Some(scored)}. "
                + "Transform the data with the same fitted stages that the network was trained after.");
        }

        return new ScoredLabels(label, scoreName, scored.IsEmpty ? names : scored);
    }

    /// <summary>Goes over the rows once, and measures how well labels are told.</summary>
    /// <param name="data">The scored data.</param>
    /// <param name="threshold">The probability above which a label is predicted.</param>
    /// <param name="cancellation">Stops between two rows.</param>
    /// <exception cref="InvalidOperationException">There are no rows, or a label is neither 0 nor 1.</exception>
    public MultilabelMetrics Measure(IDataView data, float threshold, CancellationToken cancellation = default)
    {
        var meter = new MultilabelMeter(Names, threshold);
        using var cursor = data.GetRowCursor([data.Schema[Label.Name], data.Schema[ScoreName]]);
        var (getScores, readLabels) = (cursor.GetGetter<VBuffer<float>>(cursor.Schema[ScoreName]), Label.ReadSeveral(cursor));
        var (scores, labels) = (default(VBuffer<float>), new bool[Names.Length]);
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            getScores(ref scores);
            readLabels(labels);
            meter.Add(scores.DenseValues().ToArray(), labels);
        }

        return meter.Images > 0 ? meter.ToMetrics() : throw new InvalidOperationException("The data has no rows to evaluate.");
    }

    private static ImmutableArray<string> NamesOf(DataViewSchema.Column column)
    {
        if (!column.HasSlotNames())
        {
            return [];
        }

        var names = default(VBuffer<ReadOnlyMemory<char>>);
        column.GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }

    private static string Some(ImmutableArray<string> names) =>
        $"{string.Join(", ", names.Take(5))}{(names.Length > 5 ? $", … ({names.Length})" : "")}";
}
