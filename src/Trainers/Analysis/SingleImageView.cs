using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>
/// A view of one row with one image, for ML.NET's own stages to read. Each reading gets a copy, which those stages dispose of.
/// </summary>
internal sealed class SingleImageView : IDataView
{
    private readonly ExplainedImage _image;

    public SingleImageView(string column, ExplainedImage image)
    {
        _image = image;
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(column, new ImageDataViewType());
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => 1;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(Schema, _image);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewSchema schema, ExplainedImage image) : ViewCursor(schema)
    {
        private bool _started;
        private long _position = -1;

        public override long Position => _position;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            (_position, _started) = (_started ? -1 : 0, true);
            return _position == 0;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = default;

        protected override Delegate GetterOf<TValue>(DataViewSchema.Column column) =>
            (ValueGetter<MLImage>)((ref MLImage copy) => copy = image.ToImage());
    }
}
