using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.Transforms.Onnx;

namespace Microsoft.ML.ResNet.Tests.Scoring;

/// <summary>Rows scored in batches are the rows scored one by one.</summary>
public sealed class BulkViewTests : IDisposable
{
    private const int RowCount = 300; // two batches and a half

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly PixelRow[] _rows = Pictures.Rows(perClass: RowCount / 3, height: 8, width: 8, channels: 3);
    private readonly IDataView _data;
    private readonly ResNetClassificationTransformer _classifier;

    public BulkViewTests()
    {
        var rows = Pictures.Load(_ml, _rows);
        _data = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(rows).Transform(rows);
        _classifier = TestClassifier.Create(_ml, _data, nameof(PixelRow.Bytes));
    }

    public void Dispose()
    {
        _classifier.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void EveryValueIsThatOfItsRowBitForBit()
    {
        var scored = _classifier.Transform(_data);
        var mapper = _classifier.GetRowToRowMapper(_data.Schema);
        using var cursor = scored.GetRowCursor(scored.Schema);
        using var rows = _data.GetRowCursor(_data.Schema);
        using var row = mapper.GetRow(rows, mapper.OutputSchema);
        var columns = scored.Schema.Where(column => !column.IsHidden).Select(column =>
            (Bulk: RowValue.Reader(cursor, column.Index), Single: RowValue.Reader(row, mapper.OutputSchema[column.Name].Index))).ToArray();
        var (bulkId, singleId) = (cursor.GetIdGetter(), rows.GetIdGetter());
        var (id, expectedId) = (default(DataViewRowId), default(DataViewRowId));

        for (var i = 0; i < RowCount; i++)
        {
            Assert.True(cursor.MoveNext());
            Assert.True(rows.MoveNext());
            Assert.Equal(i, cursor.Position);
            bulkId(ref id);
            singleId(ref expectedId);
            Assert.Equal(expectedId, id);
            foreach (var (bulk, single) in columns)
            {
                RowValue.AssertEqual(single(), bulk(), tolerance: 0);
            }
        }

        Assert.False(cursor.MoveNext());
        Assert.Equal(-1, cursor.Position);
    }

    [Fact]
    public void TheDataIsReadOnceAndDisposedOf()
    {
        var (started, read, disposed) = (0, 0, 0);

        var scores = _classifier.Transform(View(Rows())).GetColumn<float[]>("Score").Count();

        Assert.Equal((RowCount, 1, RowCount, 1), (scores, started, read, disposed));

        IEnumerable<PixelRow> Rows()
        {
            started++;
            try
            {
                foreach (var row in _rows)
                {
                    read++;
                    yield return row;
                }
            }
            finally
            {
                disposed++;
            }
        }
    }

    [Fact]
    public void WhoTakesOneRowDoesNotWaitForABatch()
    {
        var read = 0;
        var view = View(_rows.Select(row =>
        {
            read++;
            return row;
        }));

        var scored = _classifier.Transform(view);
        using var cursor = scored.GetRowCursorSet([scored.Schema["Score"]], 1)[0];

        int[] batches = [1, 4, 16, 64, 128];
        foreach (var batch in batches)
        {
            var before = read;
            for (var i = 0; i < batch; i++)
            {
                Assert.True(cursor.MoveNext());
                Assert.Equal(before + batch, read);
            }
        }
    }

    [Fact]
    public void OnnxRuntimesOptionsAreTheContexts()
    {
        var created = 0;
        _ml.Transforms.GetEnvironment().SetOnnxSessionOption(new OnnxSessionOptions
        {
            CreateSessionOptions = () =>
            {
                created++;
                return new SessionOptions { IntraOpNumThreads = 1 };
            },
        });
        using var classifier = TestClassifier.Create(_ml, _data, nameof(PixelRow.Bytes));
        var before = created;

        Assert.Equal(RowCount, classifier.Transform(_data).GetColumn<float[]>("Score").Count());
        Assert.Equal(before + 1, created);
    }

    [Fact]
    public void FeaturesAreScoredInBatchesToo()
    {
        var featurizer = _ml.Transforms.ResNetFeaturizeImage(_classifier.Weights, TestClassifier.Tiny, nameof(PixelRow.Bytes)).Fit(_data);
        var mapper = featurizer.GetRowToRowMapper(_data.Schema);
        using var rows = _data.GetRowCursor(_data.Schema);
        using var row = mapper.GetRow(rows, mapper.OutputSchema);
        var read = RowValue.Reader(row, mapper.OutputSchema["Features"].Index);

        foreach (var features in featurizer.Transform(_data).GetColumn<float[]>("Features"))
        {
            Assert.True(rows.MoveNext());
            RowValue.AssertEqual(read(), features, tolerance: 0);
        }

        Assert.False(rows.MoveNext());
        featurizer.Dispose();
    }

    [Fact]
    public void AnUnreadableRowFailsWhereItIsAndNoOther()
    {
        Pictures.Write(_folder.Path, perClass: 4, height: 8, width: 8);
        var paths = Directory.GetFiles(_folder.Path, "*.png", SearchOption.AllDirectories).Order().ToArray();
        var missing = paths.Length / 2;
        File.Delete(paths[missing]);
        var files = _ml.Data.LoadFromEnumerable(paths.Select((path, i) => new ImageFolderRow { ImagePath = path, Label = $"{i}" }));
        var load = _ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Fit(files);
        using var classifier = TestClassifier.Create(_ml, load.Transform(files), "Image");
        var scored = classifier.Transform(load.Transform(files));

        using var cursor = scored.GetRowCursorSet([scored.Schema["ImagePath"], scored.Schema["Score"]], 1)[0];
        var (getPath, getScore) =
            (cursor.GetGetter<ReadOnlyMemory<char>>(scored.Schema["ImagePath"]), cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]));
        var (path, score) = (default(ReadOnlyMemory<char>), default(VBuffer<float>));
        for (var i = 0; i < paths.Length; i++)
        {
            Assert.True(cursor.MoveNext());
            getPath(ref path);
            Assert.Equal(paths[i], path.ToString());
            if (i == missing)
            {
                Assert.Contains(Path.GetFileName(paths[i]), Assert.ThrowsAny<Exception>(() => getScore(ref score)).ToString());
            }
            else
            {
                getScore(ref score);
                Assert.Equal(1, score.GetValues().ToArray().Sum(), tolerance: 1e-5);
            }
        }

        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void AnEndingThatFailsComesAfterTheRowsBeforeIt()
    {
        var scored = _classifier.Transform(
            View(_rows.Take(100).Concat(Enumerable.Range(0, 1).Select<int, PixelRow>(_ => throw new IOException("the line is dead")))));
        using var cursor = scored.GetRowCursorSet([scored.Schema["Score"]], 1)[0];

        for (var i = 0; i < 100; i++)
        {
            Assert.True(cursor.MoveNext());
        }

        Assert.Contains("the line is dead", Assert.ThrowsAny<Exception>(() => cursor.MoveNext()).ToString());
    }

    [Fact]
    public void ShuffledRowsKeepTheirScores()
    {
        var expected = _rows.Zip(_classifier.Transform(_data).GetColumn<float[]>("Score"))
            .ToDictionary(row => Convert.ToHexString(row.First.Bytes), row => row.Second);

        var shuffled = _classifier.Transform(_ml.Data.ShuffleRows(_data, seed: 5));

        var rows = shuffled.GetColumn<byte[]>(nameof(PixelRow.Bytes)).Zip(shuffled.GetColumn<float[]>("Score")).ToArray();
        Assert.Equal(RowCount, rows.Length);
        Assert.NotEqual(_rows.Select(row => row.Bytes), rows.Select(row => row.First));
        Assert.All(rows, row => Assert.Equal(expected[Convert.ToHexString(row.First)], row.Second));
    }

    [Fact]
    public void AnImageBesideItsScoreIsThatOfItsRow()
    {
        Pictures.Write(_folder.Path, perClass: 4, height: 8, width: 8);
        var files = _ml.Data.LoadImageFolder(_folder.Path);
        var images = _ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Fit(files)
            .Transform(files);
        using var classifier = TestClassifier.Create(_ml, images, "Image");
        var expected = classifier.Transform(images).GetColumn<float[]>("Score").ToArray();
        var scored = classifier.Transform(images);

        using var cursor = scored.GetRowCursor([scored.Schema["Image"], scored.Schema["ImagePath"], scored.Schema["Score"]]);
        var (getImage, getPath, getScore) = (
            cursor.GetGetter<MLImage>(scored.Schema["Image"]),
            cursor.GetGetter<ReadOnlyMemory<char>>(scored.Schema["ImagePath"]),
            cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]));
        var (image, path, score) = ((MLImage)null!, default(ReadOnlyMemory<char>), default(VBuffer<float>));
        for (var i = 0; cursor.MoveNext(); i++)
        {
            getImage(ref image);
            getPath(ref path);
            getScore(ref score);
            using var file = MLImage.CreateFromFile(path.ToString());
            Assert.Equal(file.Pixels.ToArray(), image.Pixels.ToArray());
            Assert.Equal(expected[i], score.DenseValues());
        }
    }

    private IDataView View(IEnumerable<PixelRow> rows)
    {
        var definition = SchemaDefinition.Create(typeof(PixelRow));
        definition[nameof(PixelRow.Bytes)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, 3, 8, 8);
        return _ml.Data.LoadFromEnumerable(rows, definition);
    }
}
