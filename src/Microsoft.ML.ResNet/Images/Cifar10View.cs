using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Records of the binary version as rows; all cursors read the same memory.</summary>
internal sealed class Cifar10View : IDataView
{
    public const string ImageColumnName = "Image";
    public const string LabelColumnName = "Label";

    private const int BatchLength = 64; // rows that one cursor of a set reads before it leaves as many to each other one

    private readonly ReadOnlyMemory<byte>[] _records;

    public Cifar10View(ReadOnlyMemory<byte>[] records)
    {
        _records = records;
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(ImageColumnName, new ImageDataViewType(Cifar10Batch.ImageSize, Cifar10Batch.ImageSize));
        builder.AddColumn(LabelColumnName, TextDataViewType.Instance);
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => true;

    public long? GetRowCount() => _records.Length;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        GetRowCursorSet(columnsNeeded, 1, rand)[0];

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
        {
            active[column.Index] = true;
        }

        var order = Enumerable.Range(0, _records.Length).ToArray();
        rand?.Shuffle(order);
        var count = Math.Clamp(n, 1, (_records.Length - 1) / BatchLength + 1);
        return [.. Enumerable.Range(0, count).Select(index => new Cursor(this, active, order, index, count))];
    }

    /// <summary>Reads every <paramref name="count"/>-th batch of the rows, from the <paramref name="index"/>-th on.</summary>
    private sealed class Cursor(Cifar10View view, bool[] active, int[] order, int index, int count) : ViewCursor(view.Schema)
    {
        private readonly byte[] _pixels = new byte[4 * Cifar10Batch.PlaneLength];
        private long _position = -1;
        private int _next;

        public override long Position => _position;

        public override long Batch => BatchOf(_position);

        public override bool MoveNext()
        {
            var isRow = PlaceOf(_next) < order.Length;
            _position = isRow ? _next++ : -1;
            return isRow;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ref DataViewRowId id) => id = new DataViewRowId((ulong)CurrentRow(), 0);

        protected override Delegate GetterOf<TValue>(DataViewSchema.Column column) =>
            column.Name == ImageColumnName ? (ValueGetter<MLImage>)GetImage : (ValueGetter<ReadOnlyMemory<char>>)GetLabel;

        // As LoadImages does it: the image belongs to the caller, who hands the last one back to be disposed.
        private void GetImage(ref MLImage image)
        {
            var planes = view._records[CurrentRow()].Span[1..];
            for (var i = 0; i < Cifar10Batch.PlaneLength; i++)
            {
                _pixels[4 * i] = planes[2 * Cifar10Batch.PlaneLength + i];
                _pixels[4 * i + 1] = planes[Cifar10Batch.PlaneLength + i];
                _pixels[4 * i + 2] = planes[i];
                _pixels[4 * i + 3] = byte.MaxValue;
            }

            image?.Dispose();
            image = MLImage.CreateFromPixels(Cifar10Batch.ImageSize, Cifar10Batch.ImageSize, MLPixelFormat.Bgra32, _pixels);
        }

        private void GetLabel(ref ReadOnlyMemory<char> label) => label = Cifar10.ClassNames[view._records[CurrentRow()].Span[0]].AsMemory();

        private int CurrentRow() => _position >= 0 ? order[PlaceOf(_position)] : throw NoRow();

        private long BatchOf(long position) => position / BatchLength * count + index;

        private long PlaceOf(long position) => BatchOf(position) * BatchLength + position % BatchLength;
    }
}
