using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The columns that training reads, checked against the data's schema.</summary>
internal sealed record TrainingColumns(LabelColumn Label, ImageColumn Image, string? Weight)
{
    public static TrainingColumns Bind(DataViewSchema schema, ResNetTrainer.Options options)
    {
        var label = LabelColumn.Bind(schema, options.LabelColumnName);
        var image = ImageColumn.Bind(schema, options.ImageColumnName, options.InputShape, options.Architecture.DefaultImageSize);
        options.CheckShape(image.Shape);
        if (options.ExampleWeightColumnName is { } weight)
        {
            var column = schema.GetColumnOrNull(weight) ?? throw MissingWeight(weight);
            if (column.Type != NumberDataViewType.Single)
            {
                throw WrongWeight(weight, $"{column.Type}");
            }
        }

        return new TrainingColumns(label, image, options.ExampleWeightColumnName);
    }

    /// <summary>Checks the shape that a pipeline promises.</summary>
    /// <returns>The label column.</returns>
    public static SchemaShape.Column Check(SchemaShape schema, ResNetTrainer.Options options)
    {
        var label = LabelColumn.Check(schema, options.LabelColumnName);
        ImageColumn.Check(schema, options.ImageColumnName);
        if (options.ExampleWeightColumnName is { } weight)
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
        new("schema", $"Example weight column '{name}' is {type}, but must be a float. Put Conversion.ConvertType(\"{name}\", outputKind: DataKind.Single) before the trainer.");
}
