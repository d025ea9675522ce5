using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using static Microsoft.ML.SchemaShape.Column;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>The names of the columns that a classifier adds.</summary>
/// <param name="Score">A probability for each class.</param>
/// <param name="PredictedLabel">The most probable class: a key with the label's values. Where an image has any number of labels, a Boolean
/// for each: whether its probability is above one half.</param>
internal sealed record ScoreColumns(string Score, string PredictedLabel)
{
    /// <summary>Gets the names that ML.NET's own classifiers give them.</summary>
    public static ScoreColumns Default { get; } = new("Score", "PredictedLabel");
}

/// <summary>
/// The columns that our transformers promise; a classifier's are, annotations included, those of ML.NET's own multiclass trainers.
/// </summary>
internal static class OutputColumns
{
    /// <summary>The column that tells images of no class, where the classifier rejects some.</summary>
    public const string IsUnknown = nameof(IsUnknown);

    public static SchemaShape AddTo(SchemaShape input, SchemaShape.Column label, ScoreColumns names, bool hasUnknown)
    {
        if (LabelColumn.HasSeveral(label))
        {
            SchemaShape.Column[] slotNames = [Column("SlotNames", VectorKind.Vector, TextDataViewType.Instance, isKey: false)];
            return Add(
                input,
                Column(names.Score, VectorKind.Vector, NumberDataViewType.Single, isKey: false, slotNames),
                Column(names.PredictedLabel, VectorKind.Vector, BooleanDataViewType.Instance, isKey: false, slotNames));
        }

        var keyValues = label.Annotations.Find("KeyValues");
        var score = Column(names.Score, VectorKind.Vector, NumberDataViewType.Single, isKey: false, ScoreAnnotations(keyValues));
        var predicted = Column(
            names.PredictedLabel,
            VectorKind.Scalar,
            NumberDataViewType.UInt32,
            isKey: true,
            [.. keyValues is { } values ? [values] : Array.Empty<SchemaShape.Column>(), .. CommonAnnotations()]);
        return hasUnknown
            ? Add(input, score, predicted, Column(IsUnknown, VectorKind.Scalar, BooleanDataViewType.Instance, isKey: false))
            : Add(input, score, predicted);
    }

    public static SchemaShape AddFeatures(SchemaShape input, string name) =>
        Add(input, Column(name, VectorKind.Vector, NumberDataViewType.Single, isKey: false));

    private static SchemaShape Add(SchemaShape input, params SchemaShape.Column[] added) =>
        new([.. input.Where(column => added.All(each => each.Name != column.Name)), .. added]);

    private static IEnumerable<SchemaShape.Column> ScoreAnnotations(SchemaShape.Column? keyValues)
    {
        if (keyValues is { Kind: VectorKind.Vector } values)
        {
            if (values.ItemType is TextDataViewType)
            {
                yield return Column("SlotNames", VectorKind.Vector, TextDataViewType.Instance, isKey: false);
            }

            yield return Column("TrainingLabelValues", VectorKind.Vector, values.ItemType, isKey: false);
        }

        foreach (var annotation in CommonAnnotations())
        {
            yield return annotation;
        }
    }

    private static SchemaShape.Column[] CommonAnnotations() =>
    [
        Column("ScoreColumnSetId", VectorKind.Scalar, NumberDataViewType.UInt32, isKey: true),
        Column("ScoreColumnKind", VectorKind.Scalar, TextDataViewType.Instance, isKey: false),
        Column("ScoreValueKind", VectorKind.Scalar, TextDataViewType.Instance, isKey: false),
    ];

    private static SchemaShape.Column Column(
        string name, VectorKind kind, DataViewType type, bool isKey, IEnumerable<SchemaShape.Column>? annotations = null) =>
        MLNetInternals.NewSchemaShapeColumn(name, kind, type, isKey, annotations is null ? null : new SchemaShape(annotations));
}
