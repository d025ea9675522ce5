using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Benchmarks.Peers;

/// <summary>An image to score, as its planar pixels.</summary>
internal sealed class PixelRow
{
    public byte[] Image { get; set; } = [];
}

/// <summary>An image to score, decoded.</summary>
internal sealed class ImageRow
{
    /// <summary>Height and width of all decoded images: their type, unlike that of vectors, cannot be changed later.</summary>
    public const int Side = 224;

    [ImageType(Side, Side)]
    public MLImage? Image { get; set; }
}

/// <summary>What a prediction engine answers.</summary>
internal sealed class ScoreRow
{
    public float[] Score { get; set; } = [];
}

/// <summary>Rows of noise to score, over and over the same few: decoding is no part of what is measured.</summary>
internal sealed class ScoringRows
{
    private const int Different = 16;

    private readonly int _size;
    private readonly byte[][] _planar;
    private readonly byte[][] _bgra;

    public ScoringRows(int size)
    {
        _size = size;
        var random = new Random(1);
        (_planar, _bgra) = (new byte[Different][], new byte[Different][]);
        for (var i = 0; i < Different; i++)
        {
            random.NextBytes(_planar[i] = new byte[3 * size * size]);
            random.NextBytes(_bgra[i] = new byte[4 * size * size]);
        }
    }

    /// <summary>Gets the pixels of the image of a row.</summary>
    public byte[] Planar(long row) => _planar[row % Different];

    /// <summary>Makes the row of a prediction engine.</summary>
    public PixelRow Pixels(long row) => new() { Image = Planar(row) };

    /// <inheritdoc cref="Pixels"/>
    public ImageRow Image(long row) =>
        new() { Image = MLImage.CreateFromPixels(_size, _size, MLPixelFormat.Bgra32, _bgra[row % Different]) };

    /// <summary>Makes rows without end; a reader stops when it has enough.</summary>
    public IDataView View(MLContext ml, bool fromImages, Func<long, bool> goesOn) => fromImages
        ? ml.Data.LoadFromEnumerable(Rows(Image, goesOn), Schema<ImageRow>())
        : ml.Data.LoadFromEnumerable(Rows(Pixels, goesOn), Schema<PixelRow>());

    /// <summary>Gets the type of the rows, with the image's size in it.</summary>
    public SchemaDefinition Schema<TRow>()
    {
        var schema = SchemaDefinition.Create(typeof(TRow));
        if (typeof(TRow) == typeof(PixelRow))
        {
            schema["Image"].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, 3, _size, _size);
        }

        return schema;
    }

    private static IEnumerable<TRow> Rows<TRow>(Func<long, TRow> make, Func<long, bool> goesOn)
    {
        for (var row = 0L; goesOn(row); row++)
        {
            yield return make(row);
        }
    }
}
