using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>The contract of IDataView and its cursors, which ML.NET's own transforms rely on.</summary>
public sealed class Cifar10ViewTests
{
    private const int Rows = 300;

    private readonly MLContext _ml = new(seed: 1);
    private readonly ReadOnlyMemory<byte>[] _records;
    private readonly Cifar10View _view;

    public Cifar10ViewTests()
    {
        var bytes = Cifar10Archives.File("test_batch.bin", Rows);
        _records = Cifar10Batch.Read("test_batch.bin", bytes.Length, bytes.CopyTo);
        _view = new Cifar10View(_records);
    }

    [Fact]
    public void ColumnsAreAnImageOfKnownSizeAndAText()
    {
        Assert.Equal(["Image", "Label"], _view.Schema.Select(column => column.Name));
        Assert.Equal(new ImageDataViewType(32, 32), _view.Schema["Image"].Type);
        Assert.Equal(TextDataViewType.Instance, _view.Schema["Label"].Type);
        Assert.Equal(Rows, _view.GetRowCount());
    }

    [Fact]
    public void PixelsComeThroughMLNetAsTheyWereStored()
    {
        var pixels = _ml.Transforms.ExtractPixels("Pixels", "Image", outputAsFloatArray: false)
            .Fit(_view)
            .Transform(_view)
            .GetColumn<byte[]>("Pixels");

        Assert.Equal(_records.Select(record => record[1..].ToArray()), pixels);
        Assert.Equal(_records.Select(record => Cifar10.ClassNames[record.Span[0]]), _view.GetColumn<string>("Label"));
    }

    [Fact]
    public void RowsBecomeObjects()
    {
        var rows = _ml.Data.CreateEnumerable<Row>(_ml.Data.TakeRows(_view, 3), reuseRowObject: true)
            .Select(row => (row.Label, row.Image!.Width, Red: row.Image.Pixels[2]))
            .ToArray();

        Assert.Equal(_records.Take(3).Select(record => (Cifar10.ClassNames[record.Span[0]], 32, record.Span[1])), rows);
    }

    [Fact]
    public void ACursorCountsItsRowsAndEndsOnce()
    {
        using var cursor = _view.GetRowCursor(_view.Schema);
        Assert.Equal(-1, cursor.Position);
        Assert.Throws<InvalidOperationException>(() => Id(cursor));
        for (var row = 0; row < Rows; row++)
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(row, cursor.Position);
            Assert.Equal(new DataViewRowId((ulong)row, 0), Id(cursor));
        }

        Assert.False(cursor.MoveNext());
        Assert.False(cursor.MoveNext());
        Assert.Equal(-1, cursor.Position);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(100, 5)] // 300 rows are five batches of at most 64
    public void ASetOfCursorsSharesTheRowsInBatchesThatTellTheirOrder(int asked, int expected)
    {
        var cursors = _view.GetRowCursorSet(_view.Schema, asked);

        Assert.Equal(expected, cursors.Length);
        var parts = cursors.Select(cursor => Read(cursor).ToArray()).ToArray();
        Assert.All(parts, part => Assert.Equal(part.Select(row => row.Batch).Order(), part.Select(row => row.Batch)));
        Assert.Equal(
            parts.Sum(part => part.DistinctBy(row => row.Batch).Count()),
            parts.SelectMany(part => part).DistinctBy(row => row.Batch).Count());
        Assert.Equal(
            Enumerable.Range(0, Rows).Select(row => (ulong)row),
            parts.SelectMany(part => part).OrderBy(row => row.Batch).Select(row => row.Id));
    }

    [Fact]
    public void ShufflesRowsAndKeepsTheirIds()
    {
        Assert.True(_view.CanShuffle);
        var shuffled = Read(_view.GetRowCursor(_view.Schema, new Random(1))).ToArray();

        Assert.NotEqual(Enumerable.Range(0, Rows).Select(row => (ulong)row), shuffled.Select(row => row.Id));
        Assert.Equal(Enumerable.Range(0, Rows).Select(row => (ulong)row), shuffled.Select(row => row.Id).Order());
        Assert.All(shuffled, row => Assert.Equal(Cifar10.ClassNames[_records[row.Id].Span[0]], row.Label));
        Assert.Equal(shuffled, Read(_view.GetRowCursor(_view.Schema, new Random(1))));
        Assert.Equal(
            shuffled.Select(row => row.Id),
            _view.GetRowCursorSet(_view.Schema, 4, new Random(1)).SelectMany(Read).OrderBy(row => row.Batch).Select(row => row.Id));
    }

    [Fact]
    public void AnImageIsDisposedWhenItIsHandedBack()
    {
        using var cursor = _view.GetRowCursor(_view.Schema);
        var getter = cursor.GetGetter<MLImage>(_view.Schema["Image"]);
        var image = default(MLImage)!;
        Assert.True(cursor.MoveNext());
        getter(ref image);
        var first = image;
        Assert.True(cursor.MoveNext());
        getter(ref image);

        Assert.NotSame(first, image);
        Assert.Throws<InvalidOperationException>(() => first.Width);
        Assert.Equal(32, image.Width);
        image.Dispose();
    }

    [Fact]
    public void GivesOnlyTheColumnsThatWereAskedFor()
    {
        using var cursor = _view.GetRowCursor([_view.Schema["Label"]]);

        Assert.True(cursor.IsColumnActive(_view.Schema["Label"]));
        Assert.False(cursor.IsColumnActive(_view.Schema["Image"]));
        Assert.Contains(
            "'Image'", Assert.Throws<ArgumentOutOfRangeException>(() => cursor.GetGetter<MLImage>(_view.Schema["Image"])).Message);
        Assert.Contains(
            "'Label' is String", Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<int>(_view.Schema["Label"])).Message);
    }

    private static IEnumerable<(ulong Id, long Batch, string Label)> Read(DataViewRowCursor cursor)
    {
        using (cursor)
        {
            var (getLabel, label) = (cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema["Label"]), default(ReadOnlyMemory<char>));
            while (cursor.MoveNext())
            {
                getLabel(ref label);
                yield return (Id(cursor).Low, cursor.Batch, label.ToString());
            }
        }
    }

    private static DataViewRowId Id(DataViewRowCursor cursor)
    {
        var id = default(DataViewRowId);
        cursor.GetIdGetter()(ref id);
        return id;
    }

    private sealed class Row
    {
        [ImageType(32, 32)]
        public MLImage? Image { get; set; }

        public string Label { get; set; } = "";
    }
}
