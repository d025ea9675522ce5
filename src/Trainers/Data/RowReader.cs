using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Reads the rows that can be trained on, without reading an image.</summary>
internal static class RowReader
{
    /// <summary>Reads labels and weights.</summary>
    /// <param name="data">The view.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="labelSets">What numbers combinations of labels; null where each row has one label.</param>
    /// <param name="purpose">What the data is for, for messages.</param>
    /// <param name="warn">Called where rows are left out.</param>
    /// <exception cref="InvalidOperationException">There is no row, a class has none, or a weight is negative or not finite.</exception>
    public static LabeledRow[] Read(
        IDataView data, TrainingColumns columns, LabelSets? labelSets, string purpose, Action<string> warn)
    {
        var label = data.Schema[columns.Label.Name];
        var weight = columns.Weight is { } name ? data.Schema[name] : (DataViewSchema.Column?)null;
        using var cursor = data.GetRowCursor(weight is null ? [label] : [label, weight.Value]);
        var getId = cursor.GetIdGetter();
        var getLabel = labelSets is null ? cursor.GetGetter<uint>(label) : SetOf(columns.Label.ReadSeveral(cursor), labelSets);
        var getWeight = weight is null ? null : cursor.GetGetter<float>(weight.Value);

        List<LabeledRow> rows = [];
        var unlabeled = 0;
        var (id, key, exampleWeight) = (default(DataViewRowId), 0u, 1f);
        while (cursor.MoveNext())
        {
            getLabel(ref key);
            if (key == 0)
            {
                unlabeled++;
                continue;
            }

            getWeight?.Invoke(ref exampleWeight);
            if (!(exampleWeight >= 0 && float.IsFinite(exampleWeight)))
            {
                throw new InvalidOperationException(
                    $"Example weight column '{columns.Weight}' is {exampleWeight} in row {cursor.Position}, "
                    + "but must be a finite number, 0 or more.");
            }

            getId(ref id);
            rows.Add(new LabeledRow(id, (int)key - 1, exampleWeight) { Number = cursor.Position });
        }

        if (unlabeled > 0)
        {
            warn($"{unlabeled} rows of the {purpose} data have no label, and are left out.");
        }

        return rows.Count > 0
            ? [.. rows]
            : throw new InvalidOperationException($"The {purpose} data has no rows{(unlabeled > 0 ? " with a label" : "")}.");
    }

    /// <summary>Checks that every class can be learned.</summary>
    public static void CheckClasses(IEnumerable<LabeledRow> rows, TrainingColumns columns, LabelSets? labelSets)
    {
        var counts = labelSets is null ? new int[columns.Label.ClassCount] : labelSets.Count(rows.Select(row => row.Label));
        foreach (var row in labelSets is null ? rows : [])
        {
            counts[row.Label]++;
        }

        var empty = Enumerable.Range(0, counts.Length).Where(label => counts[label] == 0).ToArray();
        if (empty.Length > 0)
        {
            var names = columns.Label.ClassNames();
            var some = string.Join(", ", empty.Take(10).Select(label => $"'{names[label]}'"));
            throw new InvalidOperationException(
                $"{empty.Length} of {counts.Length} {(labelSets is null ? "classes" : "labels")} of label column "
                + $"'{columns.Label.Name}' have no training images: {some}{(empty.Length > 10 ? ", …" : "")}. "
                + "Add images, or make the key from the training data's own labels.");
        }
    }

    // Counted from 1, as a key is: a row without any label has one too.
    private static ValueGetter<uint> SetOf(Action<bool[]> read, LabelSets labelSets)
    {
        var labels = new bool[labelSets.LabelCount];
        return (ref uint set) =>
        {
            read(labels);
            set = (uint)labelSets.NumberOf(labels) + 1;
        };
    }
}

/// <summary>A row that can be trained on: its identity in the view, its class counted from 0, and its weight.</summary>
internal readonly record struct LabeledRow(DataViewRowId Id, int Label, float Weight)
{
    /// <summary>Gets the row's number in the view, counted from 0; rows without a label count.</summary>
    public long Number { get; init; }
}
