using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Finds a row by its id, with a binary search: a dictionary would need more memory than the rows themselves.
/// </summary>
internal sealed class RowPlaces
{
    private readonly LabeledRow[] _rows;
    private readonly int[]? _order; // of the ids; null where rows are in it already, as most views have them

    /// <exception cref="InvalidOperationException">Two rows have the same id.</exception>
    public RowPlaces(LabeledRow[] rows)
    {
        _rows = rows;
        if (!IsAscending())
        {
            _order = [.. Enumerable.Range(0, rows.Length)];
            Array.Sort(_order, (a, b) => Compare(rows[a].Id, rows[b].Id));
            if (!IsAscending())
            {
                throw new InvalidOperationException(
                    "Two rows of the data have the same id, which breaks the contract of IDataView. "
                    + "Save the data with Data.SaveAsBinary and load it again.");
            }
        }
    }

    /// <summary>Finds a row.</summary>
    /// <returns>Its place; −1 if there is none with the id.</returns>
    public int Find(DataViewRowId id)
    {
        var (low, high) = (0, _rows.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var place = PlaceAt(middle);
            var order = Compare(_rows[place].Id, id);
            if (order == 0)
            {
                return place;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    private int PlaceAt(int index) => _order is null ? index : _order[index];

    private bool IsAscending()
    {
        for (var i = 1; i < _rows.Length; i++)
        {
            if (Compare(_rows[PlaceAt(i - 1)].Id, _rows[PlaceAt(i)].Id) >= 0)
            {
                return false;
            }
        }

        return true;
    }

    private static int Compare(DataViewRowId a, DataViewRowId b) => a.High != b.High ? a.High.CompareTo(b.High) : a.Low.CompareTo(b.Low);
}
