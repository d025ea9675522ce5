using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// The user's view, with an image column that fails clearly: where an image is missing, undecodable or cut short, its getter throws a
/// <see cref="BadImageException"/> that names the file. ML.NET's own stages are put on top of it.
/// </summary>
internal sealed class CheckedImageView(IDataView source, string imageColumn) : IDataView
{
    public DataViewSchema Schema => source.Schema;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(source.GetRowCursor(WithText(columnsNeeded), rand), imageColumn);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [.. source.GetRowCursorSet(WithText(columnsNeeded), n, rand).Select(cursor => new Cursor(cursor, imageColumn))];

    // Text columns describe the row in a message; one of them is the path.
    private IEnumerable<DataViewSchema.Column> WithText(IEnumerable<DataViewSchema.Column> columns) => columns.Union(Schema.Where(IsText));

    private static bool IsText(DataViewSchema.Column column) => !column.IsHidden && column.Type is TextDataViewType;

    private sealed class Cursor(DataViewRowCursor source, string imageColumn) : DataViewRowCursor
    {
        public override DataViewSchema Schema => source.Schema;

        public override long Position => source.Position;

        public override long Batch => source.Batch;

        public override bool MoveNext() => source.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) => source.IsColumnActive(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            column.Name == imageColumn && typeof(TValue) == typeof(MLImage)
                ? (ValueGetter<TValue>)(Delegate)Checked(source.GetGetter<MLImage>(column))
                : source.GetGetter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                source.Dispose();
            }

            base.Dispose(disposing);
        }

        private ValueGetter<MLImage> Checked(ValueGetter<MLImage> getImage) => (ref MLImage image) =>
        {
            try
            {
                getImage(ref image);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                image = null!;
                throw new BadImageException($"Image {DescribeRow()} cannot be read: {exception.Message}", exception);
            }

            if (image is null)
            {
                throw new BadImageException($"Image {DescribeRow()} is missing.", null);
            }

            // LoadImages leaves the path in the tag; images made in memory have no file to check.
            if (image.Tag is { Length: > 0 } path && File.Exists(path) && ImageFileCheck.IsTruncated(path))
            {
                throw new BadImageException($"Image '{path}' is truncated: the file ends before the image does.", null);
            }
        };

        private string DescribeRow()
        {
            var texts = Schema.Where(column => IsText(column) && source.IsColumnActive(column)).Select(column =>
            {
                var value = default(ReadOnlyMemory<char>);
                source.GetGetter<ReadOnlyMemory<char>>(column)(ref value);
                return $"{column.Name} '{value}'";
            });
            var description = string.Join(", ", texts);
            var row = source.Position.ToString(CultureInfo.InvariantCulture);
            return description.Length > 0 ? $"of row {row} ({description})" : $"of row {row}";
        }
    }
}
