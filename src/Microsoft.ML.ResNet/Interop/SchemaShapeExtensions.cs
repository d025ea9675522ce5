namespace Microsoft.ML.ResNet.Interop;

internal static class SchemaShapeExtensions
{
    public static SchemaShape.Column? Find(this SchemaShape schema, string name)
    {
        foreach (var column in schema)
        {
            if (column.Name == name)
            {
                return column;
            }
        }

        return null;
    }

    /// <summary>Names a column's type for an error message.</summary>
    public static string Describe(this SchemaShape.Column column)
    {
        var item = column.IsKey ? $"key of {column.ItemType}" : $"{column.ItemType}";
        return column.Kind switch
        {
            SchemaShape.Column.VectorKind.Scalar => item,
            SchemaShape.Column.VectorKind.Vector => $"vector of {item}",
            _ => $"vector of {item} without a known size",
        };
    }
}
