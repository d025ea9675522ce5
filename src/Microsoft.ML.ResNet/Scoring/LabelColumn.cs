using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// The label column, checked. A key gives each image one label, of a known number; a vector gives it several: keys, or a Boolean (or 0 and
/// 1) for each label.
/// </summary>
/// <param name="Name">The name of the column.</param>
/// <param name="Type">Its type.</param>
/// <param name="ClassCount">The number of classes: of all that there are, whether or not the data holds them.</param>
/// <param name="Annotations">What the column says about itself, the names of the classes among it.</param>
internal sealed record LabelColumn(string Name, DataViewType Type, int ClassCount, DataViewSchema.Annotations Annotations)
{
    private const string KeyValues = nameof(KeyValues);
    private const string SlotNames = nameof(SlotNames);

    /// <summary>Gets whether an image has any number of labels.</summary>
    public bool IsMultilabel => Type is VectorDataViewType;

    /// <summary>Gets whether the classes have names of their own, and not numbers.</summary>
    public bool HasNames => Annotations.Schema.GetColumnOrNull(NamesKind) is not null;

    private string NamesKind => Type is VectorDataViewType { ItemType: not KeyDataViewType } ? SlotNames : KeyValues;

    /// <summary>Checks the shape that a pipeline promises.</summary>
    public static SchemaShape.Column Check(SchemaShape schema, string name)
    {
        var column = schema.Find(name) ?? throw Missing(name, schema.Select(each => each.Name));
        var isKey = column.IsKey && column.ItemType == NumberDataViewType.UInt32;
        var isOneForEach = column.Kind == SchemaShape.Column.VectorKind.Vector && IsTruth(column.ItemType) && !column.IsKey;
        return isKey || isOneForEach ? column : throw NotAKey(name, column.Describe());
    }

    /// <summary>Tells whether a column of a pipeline gives an image any number of labels.</summary>
    public static bool HasSeveral(SchemaShape.Column label) => label.Kind != SchemaShape.Column.VectorKind.Scalar;

    /// <summary>Checks the column for what needs one label for each image.</summary>
    /// <param name="schema">The data's schema.</param>
    /// <param name="name">The name of the column.</param>
    /// <param name="purpose">What needs it, for the message.</param>
    public static LabelColumn BindOne(DataViewSchema schema, string name, string purpose)
    {
        var label = Bind(schema, name);
        return !label.IsMultilabel
            ? label
            : throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Label column '{name}' is {label.Type}: any number of labels for an image. But {purpose} needs a key: one label for each. "
                + "Networks with several labels are evaluated by MulticlassClassification.EvaluateMultilabel and WriteReport.");
    }

    public static LabelColumn Bind(DataViewSchema schema, string name)
    {
        var column = schema.GetColumnOrNull(name) ?? throw Missing(name, schema.Where(each => !each.IsHidden).Select(each => each.Name));
        if (column.Type is VectorDataViewType { IsKnownSize: true } vector && IsTruth(vector.ItemType))
        {
            return new LabelColumn(name, vector, vector.Size, column.Annotations);
        }

        var isVector = column.Type is VectorDataViewType;
        if ((isVector ? ((VectorDataViewType)column.Type).ItemType : column.Type) is not KeyDataViewType key || key.RawType != typeof(uint))
        {
            throw NotAKey(name, column.Type.ToString()!);
        }

        // A key made by hashing, or declared by hand, may have as many values as its type.
        if (key.Count > int.MaxValue)
        {
            throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Label column '{name}' is a key of {key.Count} values, more than there can be classes. "
                + $"Use Conversion.MapValueToKey(\"{name}\"), which counts the values there are.");
        }

        return key.Count >= 2 || isVector
            ? new LabelColumn(name, column.Type, (int)key.Count, column.Annotations)
            : throw new InvalidOperationException(
                $"Label column '{name}' has one class only, but a classifier needs at least two. "
                + "Check the data: with LoadImageFolder, each sub-folder is a class.");
    }

    /// <summary>Makes what reads the labels of a cursor's row, where there may be several.</summary>
    /// <returns>A function that sets, for each label, whether the row has it.</returns>
    public Action<bool[]> ReadSeveral(DataViewRowCursor cursor)
    {
        var column = cursor.Schema[Name];
        var item = ((VectorDataViewType)column.Type).ItemType;
        return item is KeyDataViewType ? Reader<uint>(cursor, column, (key, _) => (int)key - 1) // 0 is a value that the key does not know
            : item is BooleanDataViewType ? Reader<bool>(cursor, column, (has, index) => has ? index : -1)
            : Reader<float>(cursor, column, (value, index) => value switch
            {
                0 => -1,
                1 => index,
                _ => throw new InvalidOperationException(
                    $"Label column '{Name}' is {value} at place {index} of row {cursor.Position}, but must be 0 or 1 for each label. "
                    + "Remove rows without a label by Data.FilterRowsByMissingValues, or map values to Booleans."),
            });
    }

    /// <summary>Gets the column as a pipeline promises it.</summary>
    public SchemaShape.Column ToShape()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(Name, Type, Annotations);
        return MLNetInternals.NewSchemaShape(null, builder.ToSchema()).Single();
    }

    /// <summary>
    /// Gets the class names: the key's values as text, or the names of the vector's places; 1, 2, … where there are none.
    /// </summary>
    public ImmutableArray<string> ClassNames()
    {
        if (Annotations.Schema.GetColumnOrNull(NamesKind) is { Type: VectorDataViewType vector } column)
        {
            var read = typeof(LabelColumn)
                .GetMethod(nameof(ReadNames), BindingFlags.NonPublic | BindingFlags.Static)!
                .MakeGenericMethod(vector.ItemType.RawType);
            return (ImmutableArray<string>)read.Invoke(null, [Annotations, column])!;
        }

        return [.. Enumerable.Range(1, ClassCount).Select(number => number.ToString(CultureInfo.InvariantCulture))];
    }

    // A place tells which label it means; a negative one none.
    private static Action<bool[]> Reader<T>(DataViewRowCursor cursor, DataViewSchema.Column column, Func<T, int, int> labelOf)
    {
        var (get, values) = (cursor.GetGetter<VBuffer<T>>(column), default(VBuffer<T>));
        return labels =>
        {
            get(ref values);
            Array.Clear(labels);
            foreach (var (index, value) in values.Items())
            {
                if (labelOf(value, index) is >= 0 and var label)
                {
                    labels[label] = true;
                }
            }
        };
    }

    private static bool IsTruth(DataViewType type) => type is BooleanDataViewType || type == NumberDataViewType.Single;

    private static ImmutableArray<string> ReadNames<T>(DataViewSchema.Annotations annotations, DataViewSchema.Column column)
    {
        var values = default(VBuffer<T>);
        annotations.GetGetter<VBuffer<T>>(column)(ref values);
        return [.. values.DenseValues().Select(value => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")];
    }

    private static ArgumentOutOfRangeException Missing(string name, IEnumerable<string> columns) =>
        new(
            "schema",
            $"There is no label column '{name}'. The columns are: {string.Join(", ", columns)}. "
            + "Name the label column in the options.");

    private static ArgumentOutOfRangeException NotAKey(string name, string? type) =>
        new(
            "schema",
            $"Label column '{name}' is {type}, but a classifier needs a key. "
            + $"Put Conversion.MapValueToKey(\"{name}\") before the trainer. "
            + "(For several labels per image: a vector of keys, or of a known size of Booleans.)");
}
