using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Trainers.Labels;

/// <summary>A view without some of its rows, which are known by their numbers.</summary>
/// <param name="source">The view, which gives the same rows in the same order whenever it is read.</param>
/// <param name="left">The numbers of the rows that are left out, counted from 0.</param>
internal sealed class RemainingRows(IDataView source, IReadOnlySet<long> left) : IDataView
{
    public DataViewSchema Schema => source.Schema;

    public bool CanShuffle => false; // a row's number is its place

    public long? GetRowCount() => source.GetRowCount() is { } count ? count - left.Count(row => row < count) : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(source.Schema, source.GetRowCursor(columnsNeeded), left);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded)];

    private sealed class Cursor(DataViewSchema schema, DataViewRowCursor rows, IReadOnlySet<long> left) : PassingCursor(schema, rows)
    {
        private long _row = -1;
        private long _position = -1;

        public override long Position => _position;

        public override bool MoveNext()
        {
            while (base.MoveNext())
            {
                if (!left.Contains(++_row))
                {
                    _position++;
                    return true;
                }
            }

            _position = -1; // as ML.NET's own, after the last row
            return false;
        }
    }
}
