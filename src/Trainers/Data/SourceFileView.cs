using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// An endless view for one cursor: when the cursor moves, its row is the image of the file that <see cref="Path"/> names at that moment.
/// </summary>
internal sealed class SourceFileView : IDataView
{
    private readonly string _imageColumn;
    private readonly ImageDecoder _decoder;

    public SourceFileView(string imageColumn, ImageDecoder decoder)
    {
        (_imageColumn, _decoder) = (imageColumn, decoder);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(imageColumn, new ImageDataViewType());
        builder.AddColumn($"{imageColumn}.Path", TextDataViewType.Instance); // named where the image cannot be read
        Schema = builder.ToSchema();
    }

    /// <summary>Gets or sets the path of the row's file.</summary>
    public string Path { get; set; } = "";

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(this);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(SourceFileView view) : ViewCursor(view.Schema)
    {
        private long _position = -1;

        public override long Position => _position;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            _position++;
            return true;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

        protected override Delegate GetterOf<TValue>(DataViewSchema.Column column) =>
            column.Name == view._imageColumn ? (ValueGetter<MLImage>)GetImage : (ValueGetter<ReadOnlyMemory<char>>)GetPath;

        // As LoadImages does it: the image belongs to the caller, who hands the last one back to be disposed.
        private void GetImage(ref MLImage image)
        {
            image?.Dispose();
            image = null!;
            image = view._decoder.Load(view.Path);
        }

        private void GetPath(ref ReadOnlyMemory<char> path) => path = view.Path.AsMemory();
    }
}
