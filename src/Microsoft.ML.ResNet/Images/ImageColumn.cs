using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Images;

/// <summary>The three kinds of column that hold images.</summary>
internal enum PixelSource
{
    /// <summary><see cref="MLImage"/> of any size.</summary>
    Image,

    /// <summary>A planar vector of bytes.</summary>
    ByteVector,

    /// <summary>A planar vector of floats.</summary>
    FloatVector,
}

/// <summary>A column that holds images, checked: its kind, and the shape that the network will read.</summary>
internal sealed record ImageColumn(string Name, PixelSource Source, ImageShape Shape)
{
    /// <summary>Checks the shape that a pipeline promises, where vector sizes are not known yet.</summary>
    public static void Check(SchemaShape schema, string name)
    {
        var column = schema.Find(name) ?? throw Missing(name, schema.Select(each => each.Name));
        var fits = column.Kind == SchemaShape.Column.VectorKind.Scalar
            ? column.ItemType is ImageDataViewType
            : column.Kind == SchemaShape.Column.VectorKind.Vector && !column.IsKey && IsPixel(column.ItemType);
        if (!fits)
        {
            throw WrongType(name, column.Describe());
        }
    }

    /// <summary>Checks a column and settles its shape.</summary>
    /// <param name="schema">The data's schema.</param>
    /// <param name="name">The column's name.</param>
    /// <param name="shape">The shape asked for; null to take the vector's own, or the network's default for images.</param>
    /// <param name="defaultImageSize">The side, in pixels, for images when no shape is asked for.</param>
    public static ImageColumn Bind(DataViewSchema schema, string name, ImageShape? shape, int defaultImageSize)
    {
        var column = schema.GetColumnOrNull(name) ?? throw Missing(name, schema.Where(each => !each.IsHidden).Select(each => each.Name));
        return column.Type switch
        {
            ImageDataViewType =>
                new ImageColumn(
                    name, PixelSource.Image, ImageShapeOf(name, shape ?? new ImageShape(3, defaultImageSize, defaultImageSize))),
            VectorDataViewType { IsKnownSize: true } vector when IsPixel(vector.ItemType) =>
                new ImageColumn(
                    name,
                    vector.ItemType == NumberDataViewType.Byte ? PixelSource.ByteVector : PixelSource.FloatVector,
                    VectorShapeOf(name, vector, shape)),
            _ => throw WrongType(name, column.Type.ToString()!),
        };
    }

    /// <summary>
    /// Checks that data to score has such a column too. ML.NET's own stages check, but name columns that the user never made.
    /// </summary>
    public void CheckSame(DataViewSchema schema)
    {
        var other = Bind(schema, Name, Shape, defaultImageSize: 0);
        if (other.Source != Source)
        {
            throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Image column '{Name}' holds {Describe(other.Source)}, but the network was made for {Describe(Source)}.");
        }
    }

    private static string Describe(PixelSource source) => source switch
    {
        PixelSource.Image => "images",
        PixelSource.ByteVector => "vectors of bytes",
        _ => "vectors of floats",
    };

    private static bool IsPixel(DataViewType type) => type == NumberDataViewType.Byte || type == NumberDataViewType.Single;

    private static ImageShape ImageShapeOf(string name, ImageShape shape) => shape.Channels is 1 or 3
        ? shape
        : throw new ArgumentOutOfRangeException(
            "schema",
            $"Image column '{name}' can be read as 3 channels (colour) or 1 (grayscale), "
            + $"but the input shape asks for {shape.Channels}.");

    private static ImageShape VectorShapeOf(string name, VectorDataViewType vector, ImageShape? asked)
    {
        // ExtractPixels says the planar shape in the type: [channels, height, width].
        var shape = asked ?? (vector.Dimensions.Length == 3 && vector.Dimensions[0] <= 4
            ? new ImageShape(vector.Dimensions[0], vector.Dimensions[1], vector.Dimensions[2])
            : throw new ArgumentOutOfRangeException(
                "schema",
                $"Image column '{name}' is {vector}, which does not tell the image's shape. "
                + "Give it in the options: InputShape = new ImageShape(channels, height, width)."));
        return shape.Size == vector.Size
            ? shape
            : throw new ArgumentOutOfRangeException(
                "schema",
                $"Image column '{name}' is {vector}, with {vector.Size} values, but an image of {shape} has {shape.Size}. "
                + "Correct the options' InputShape, or the column.");
    }

    private static ArgumentOutOfRangeException Missing(string name, IEnumerable<string> columns) =>
        new(
            "schema",
            $"There is no image column '{name}'. The columns are: {string.Join(", ", columns)}. "
            + "Name the image column in the options, or add Transforms.LoadImages before.");

    private static ArgumentOutOfRangeException WrongType(string name, string type) =>
        new(
            "schema",
            $"Image column '{name}' is {type}, but must hold images (Transforms.LoadImages makes them) "
            + "or a planar vector of bytes or floats whose size is known (Transforms.ExtractPixels makes one).");
}
