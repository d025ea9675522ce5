using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>The label column, checked: a key whose number of values is known.</summary>
internal sealed record LabelColumn(string Name, KeyDataViewType Type, DataViewSchema.Annotations Annotations)
{
    private const string KeyValues = nameof(KeyValues);

    /// <summary>Gets the number of classes: of the key's values, whether or not the data holds all of them.</summary>
    public int ClassCount => (int)Type.Count;

    /// <summary>Checks the shape that a pipeline promises.</summary>
    public static SchemaShape.Column Check(SchemaShape schema, string name)
    {
        var column = schema.Find(name) ?? throw Missing(name, schema.Select(each => each.Name));
        return column.IsKey && column.Kind == SchemaShape.Column.VectorKind.Scalar && column.ItemType == NumberDataViewType.UInt32
            ? column
            : throw NotAKey(name, column.Describe());
    }

    public static LabelColumn Bind(DataViewSchema schema, string name)
    {
        var column = schema.GetColumnOrNull(name) ?? throw Missing(name, schema.Where(each => !each.IsHidden).Select(each => each.Name));
        if (column.Type is not KeyDataViewType key || key.RawType != typeof(uint))
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

        return key.Count >= 2
            ? new LabelColumn(name, key, column.Annotations)
            : throw new InvalidOperationException(
                $"Label column '{name}' has one class only, but a classifier needs at least two. "
                + "Check the data: with LoadImageFolder, each sub-folder is a class.");
    }

    /// <summary>Gets the column as a pipeline promises it.</summary>
    public SchemaShape.Column ToShape()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(Name, Type, Annotations);
        return MLNetInternals.NewSchemaShape(null, builder.ToSchema()).Single();
    }

    /// <summary>Gets the class names: the key's values as text, or 1, 2, … where it has none.</summary>
    public ImmutableArray<string> ClassNames()
    {
        if (Annotations.Schema.GetColumnOrNull(KeyValues) is { Type: VectorDataViewType vector } column)
        {
            var read = typeof(LabelColumn)
                .GetMethod(nameof(ReadNames), BindingFlags.NonPublic | BindingFlags.Static)!
                .MakeGenericMethod(vector.ItemType.RawType);
            return (ImmutableArray<string>)read.Invoke(null, [Annotations, column])!;
        }

        return [.. Enumerable.Range(1, ClassCount).Select(number => number.ToString(CultureInfo.InvariantCulture))];
    }

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
            + $"Put Conversion.MapValueToKey(\"{name}\") before the trainer.");
}
