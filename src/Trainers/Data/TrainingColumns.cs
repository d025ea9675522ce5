using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The names of the columns that training reads; those of the weights may be missing.</summary>
internal sealed record TrainingColumnNames(string Label, string Image, string? Weight);

/// <summary>The columns that training reads, checked against the data's schema.</summary>
internal sealed record TrainingColumns(LabelColumn Label, ImageColumn Image, string? Weight)
{
    /// <summary>Binds columns of a schema.</summary>
    /// <param name="schema">The data's schema.</param>
    /// <param name="names">The columns' names.</param>
    /// <param name="shape">The shape that the network reads; null for that of the data or, if it has none, the network's default.</param>
    /// <param name="defaultImageSize">The side, in pixels, where neither the options nor the data give a shape.</param>
    public static TrainingColumns Bind(DataViewSchema schema, TrainingColumnNames names, ImageShape? shape, int defaultImageSize)
    {
        if (names.Weight is { } weight)
        {
            var column = schema.GetColumnOrNull(weight) ?? throw MissingWeight(weight);
            if (column.Type != NumberDataViewType.Single)
            {
                throw WrongWeight(weight, $"{column.Type}");
            }
        }

        var label = LabelColumn.Bind(schema, names.Label);
        var image = ImageColumn.Bind(schema, names.Image, shape, defaultImageSize);
        return new TrainingColumns(label, image, names.Weight);
    }

    /// <summary>Checks the shape that a pipeline promises.</summary>
    /// <returns>The label column.</returns>
    public static SchemaShape.Column Check(SchemaShape schema, TrainingColumnNames names)
    {
        var label = LabelColumn.Check(schema, names.Label);
        ImageColumn.Check(schema, names.Image);
        if (names.Weight is { } weight)
        {
            var column = schema.Find(weight) ?? throw MissingWeight(weight);
            if (column.Kind != SchemaShape.Column.VectorKind.Scalar || column.IsKey || column.ItemType != NumberDataViewType.Single)
            {
                throw WrongWeight(weight, column.Describe());
            }
        }

        return label;
    }

    private static ArgumentOutOfRangeException MissingWeight(string name) =>
        new("schema", $"There is no example weight column '{name}'. Correct the options' ExampleWeightColumnName.");

    private static ArgumentOutOfRangeException WrongWeight(string name, string type) =>
        new(
            "schema",
            $"Example weight column '{name}' is {type}, but must be a float. "
            + $"Put Conversion.ConvertType(\"{name}\", outputKind: DataKind.Single) before the trainer.");
}
