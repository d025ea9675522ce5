using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Reads rows of a view on all cores: several cursors move over the same rows, and each reads the rows that no other cursor has taken.
/// </summary>
/// <remarks>
/// <para>ML.NET computes a value only when it is asked for. To move over a row is therefore cheap compared with decoding its image, and any
/// view can be read in this way, whether ML.NET can split it or not. (ML.NET splits some views only, and gives each thread 128 rows at a
/// time: at the end, one core would be left with too many images.) Where moving is expensive, as in a filter that looks at images, more
/// cursors would only repeat the same work: the first rows are timed to find how many cursors are worth it.</para>
/// <para>Rows are identified by their ids. Each is read once, by one of the cursors; the result does not depend on how many cursors there
/// are.</para>
/// </remarks>
/// <param name="view">The view.</param>
/// <param name="columns">Its columns that are read.</param>
/// <param name="rows">The rows that are read; the view's others are passed over.</param>
/// <param name="cancellation">Stops reading.</param>
internal sealed class SharedRows(
    IDataView view, IEnumerable<DataViewSchema.Column> columns, LabeledRow[] rows, CancellationToken cancellation)
{
    private const int TimedRows = 4;

    private readonly RowPlaces _places = new(rows);
    private readonly byte[] _taken = new byte[rows.Length];
    private readonly Lock _lock = new();
    private int _left = rows.Length;
    private (int Place, ExceptionDispatchInfo Exception) _failure; // of reading a row
    private ExceptionDispatchInfo? _stop;                          // of a cursor that could not move
    private volatile bool _hasFailed;

    private bool IsOver => Volatile.Read(ref _left) == 0 || _hasFailed || cancellation.IsCancellationRequested;

    /// <summary>Reads all rows, and returns when they are read.</summary>
    /// <param name="makeReader">Makes, for a cursor, the action that reads its current row; the action is given the row's place in the list
    /// of rows. Readers run at the same time, each with its own cursor.</param>
    /// <exception cref="OperationCanceledException">Reading was stopped.</exception>
    /// <exception cref="Exception">What the reader threw; where several rows fail, the exception of the first of them.</exception>
    public void Read(Func<DataViewRowCursor, Action<int>> makeReader)
    {
        var cursors = 1;
        using (var cursor = Open())
        {
            var read = makeReader(cursor);
            var (moving, reading) = Read(cursor, read, TimedRows);
            cursors = (int)Math.Clamp(1 + reading / Math.Max(1, moving), 1, Environment.ProcessorCount);
            Parallel.For(0, cursors, new ParallelOptions { MaxDegreeOfParallelism = cursors }, index =>
            {
                if (index == 0)
                {
                    Read(cursor, read, int.MaxValue);
                }
                else if (!IsOver)
                {
                    ReadBeside(makeReader);
                }
            });
        }

        if (cursors > 1 && _stop is not null && !IsOver)
        {
            // Cursors that all failed beside each other, as enumerators of one database connection do, may do so no more when there is but
            // one.
            _stop = null;
            ReadBeside(makeReader);
        }

        cancellation.ThrowIfCancellationRequested();
        _failure.Exception?.Throw();
        if (!IsOver)
        {
            _stop?.Throw();
        }
    }

    private void ReadBeside(Func<DataViewRowCursor, Action<int>> makeReader)
    {
        try
        {
            using var cursor = Open();
            Read(cursor, makeReader(cursor), int.MaxValue);
        }
        catch (Exception exception)
        {
            Stop(exception);
        }
    }

    // A set of one: from GetRowCursor ML.NET may give a cursor that computes all columns ahead, on threads of its own. One at a time: views
    // make what they share when they are first asked.
    private DataViewRowCursor Open()
    {
        lock (_lock)
        {
            var set = view.GetRowCursorSet(columns, 1);
            if (set.Length == 1)
            {
                return set[0];
            }

            // The number is a wish only; a view of the user's own may not grant it.
            foreach (var cursor in set)
            {
                cursor.Dispose();
            }

            return view.GetRowCursor(columns);
        }
    }

    // A row that was taken is finished even when another has failed. So all rows before the first that failed are read, and it is always
    // that one which is reported. A cursor that cannot move leaves its rows to the others, which meet all of them.
    private (long Moving, long Reading) Read(DataViewRowCursor cursor, Action<int> read, int most)
    {
        var (getId, id, moving, reading) = (cursor.GetIdGetter(), default(DataViewRowId), 0L, 0L);
        var place = -1;
        try
        {
            for (var count = 0; count < most && !IsOver;)
            {
                var start = Stopwatch.GetTimestamp();
                place = -1;
                if (!cursor.MoveNext())
                {
                    break;
                }

                getId(ref id);
                var found = _places.Find(id);
                var moved = Stopwatch.GetTimestamp();
                moving += count > 0 ? moved - start : 0; // the first row opens the source, and compiles the code
                if (found < 0 || Interlocked.Exchange(ref _taken[found], 1) != 0)
                {
                    continue;
                }

                Interlocked.Decrement(ref _left);
                place = found;
                read(place);
                reading += count++ > 0 ? Stopwatch.GetTimestamp() - moved : 0;
            }
        }
        catch (Exception exception) when (place < 0)
        {
            Stop(exception);
        }
        catch (Exception exception)
        {
            Fail(place, exception);
        }

        return (moving, reading);
    }

    private void Stop(Exception exception) => Interlocked.CompareExchange(ref _stop, ExceptionDispatchInfo.Capture(exception), null);

    private void Fail(int place, Exception exception)
    {
        lock (_lock)
        {
            if (!_hasFailed || place < _failure.Place)
            {
                _failure = (place, ExceptionDispatchInfo.Capture(exception));
                _hasFailed = true;
            }
        }
    }
}
