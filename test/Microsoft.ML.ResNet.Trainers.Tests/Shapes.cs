using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>Pictures of 16×16 pixels with two or three shapes of four, each in a quarter of its own; colours vary.</summary>
internal static class Shapes
{
    public static readonly string[] Names = ["square", "frame", "cross", "bars"];

    public static ShapeRow[] Rows(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Draw(random))];
    }

    public static IDataView Load(MLContext ml, int count, int seed) => Load(ml, Rows(count, seed));

    /// <summary>Loads rows with the labels as Booleans in <c>Label</c>, as numbers in <c>Numbers</c>, and as keys in <c>Keys</c>.</summary>
    public static IDataView Load(MLContext ml, ShapeRow[] rows)
    {
        var schema = SchemaDefinition.Create(typeof(ShapeRow));
        var names = new VBuffer<ReadOnlyMemory<char>>(Names.Length, [.. Names.Select(name => name.AsMemory())]);
        schema[nameof(ShapeRow.Bytes)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, rows[0].Bytes.Length);
        schema[nameof(ShapeRow.Label)].ColumnType = new VectorDataViewType(BooleanDataViewType.Instance, Names.Length);
        schema[nameof(ShapeRow.Numbers)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, Names.Length);
        foreach (var column in new[] { nameof(ShapeRow.Label), nameof(ShapeRow.Numbers) })
        {
            schema[column].AddAnnotation("SlotNames", names, new VectorDataViewType(TextDataViewType.Instance, Names.Length));
        }

        var data = ml.Data.LoadFromEnumerable(rows, schema);
        var order = ml.Data.LoadFromEnumerable(Names.Select(name => new NameRow { Tag = name }));
        return ml.Transforms.Conversion.MapValueToKey("Keys", nameof(ShapeRow.Tags), keyData: order).Fit(data).Transform(data);
    }

    private static ShapeRow Draw(Random random)
    {
        var order = Enumerable.Range(0, Names.Length).ToArray();
        random.Shuffle(order);
        var shapes = order[..random.Next(2, 4)];
        var pixels = new byte[16 * 16 * 3];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)random.Next(60);
        }

        var quarters = Enumerable.Range(0, 4).ToArray();
        random.Shuffle(quarters);
        foreach (var (place, shape) in shapes.Index())
        {
            byte[] color = [(byte)random.Next(140, 256), (byte)random.Next(140, 256), (byte)random.Next(140, 256)];
            for (var y = 0; y < 6; y++)
            {
                for (var x = 0; x < 6; x++)
                {
                    if (Covers(shape, x, y))
                    {
                        color.CopyTo(pixels, ((quarters[place] / 2 * 8 + 1 + y) * 16 + quarters[place] % 2 * 8 + 1 + x) * 3);
                    }
                }
            }
        }

        bool[] labels = [.. Enumerable.Range(0, Names.Length).Select(shape => shapes.Contains(shape))];
        return new ShapeRow
        {
            Interleaved = pixels,
            Bytes = Pictures.ToPlanar(pixels, 3),
            Label = labels,
            Numbers = [.. labels.Select(has => has ? 1f : 0f)],
            Tags = [.. shapes.Select(shape => Names[shape])],
        };
    }

    private static bool Covers(int shape, int x, int y) => shape switch
    {
        0 => true,
        1 => x is 0 or 5 || y is 0 or 5,
        2 => x is 2 or 3 || y is 2 or 3,
        _ => y % 3 == 0,
    };
}

internal sealed class ShapeRow
{
    [NoColumn]
    public byte[] Interleaved { get; set; } = [];

    public byte[] Bytes { get; set; } = [];

    public bool[] Label { get; set; } = [];

    public float[] Numbers { get; set; } = [];

    public string[] Tags { get; set; } = [];
}

internal sealed class NameRow
{
    public string Tag { get; set; } = "";
}
