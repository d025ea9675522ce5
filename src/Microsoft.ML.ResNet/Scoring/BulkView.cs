using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Onnx;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// What ML.NET's OnnxTransformer makes of a view, row for row, but the features of many rows in one call: a cursor reads some rows ahead,
/// keeps their values, and hands them out one by one.
/// </summary>
/// <remarks>
/// <para> The data is read once, in order, as without: nothing depends on what a second reading would give. The first call scores one row,
/// and each further one four times as many, up to the batch that pays: who takes a few rows waits for a few. What a row throws, in MoveNext
/// or in a getter, is thrown when that row is reached.
/// </para>
/// <para> A cursor that needs no features, or an image beside them, is ML.NET's own: images belong to their row, and cannot be kept. There
/// is one cursor at work at a time, which uses all cores; what comes before it (decoding, resizing) still runs in parallel, as ML.NET
/// divides it, and then reads and fails ahead as ML.NET does.
/// </para>
/// </remarks>
internal sealed class BulkView<TPixel> : IDataView
    where TPixel : unmanaged
{
    private readonly IDataView _input;
    private readonly IDataView _rowByRow;
    private readonly ImagePreprocessing _preprocessing;
    private readonly Lazy<NetworkSession> _session;

    /// <param name="input">The view with the pixels.</param>
    /// <param name="rowByRow">The same, and the features, as OnnxTransformer computes them.</param>
    /// <param name="preprocessing">The size of the images.</param>
    /// <param name="session">The network for any number of images; it outlives the view.</param>
    public BulkView(IDataView input, IDataView rowByRow, ImagePreprocessing preprocessing, Lazy<NetworkSession> session)
    {
        (_input, _rowByRow, _preprocessing, _session) = (input, rowByRow, preprocessing, session);
        Features = rowByRow.Schema.Single(column => column.Index >= input.Schema.Count);
    }

    public DataViewSchema Schema => _rowByRow.Schema;

    public bool CanShuffle => _rowByRow.CanShuffle;

    private DataViewSchema.Column Features { get; }

    public long? GetRowCount() => _rowByRow.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] needed = [.. columnsNeeded];
        return CanBatch(needed) ? Batched(needed, columns => _input.GetRowCursor(columns, rand)) : _rowByRow.GetRowCursor(needed, rand);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        DataViewSchema.Column[] needed = [.. columnsNeeded];
        return CanBatch(needed) ? [Batched(needed, GetRows)] : _rowByRow.GetRowCursorSet(needed, n, rand);

        // A set of one asks for one thread.
        DataViewRowCursor GetRows(IEnumerable<DataViewSchema.Column> columns) =>
            n == 1 ? _input.GetRowCursorSet(columns, 1, rand)[0] : _input.GetRowCursor(columns, rand);
    }

    private bool CanBatch(DataViewSchema.Column[] needed) =>
        needed.Any(IsFeatures) && needed.All(column => BufferedColumn.Holds(column.Type));

    private bool IsFeatures(DataViewSchema.Column column) => column.Index == Features.Index;

    private Cursor Batched(DataViewSchema.Column[] needed, Func<IEnumerable<DataViewSchema.Column>, DataViewRowCursor> getRows)
    {
        DataViewSchema.Column[] passed = [.. needed.Where(column => !IsFeatures(column)).Select(column => _input.Schema[column.Index])];
        return new Cursor(this, getRows([.. passed, PixelChain.PixelsOf(_input.Schema)]), passed);
    }

    private sealed class Cursor : ViewCursor
    {
        private readonly BulkView<TPixel> _view;
        private readonly DataViewRowCursor _rows;
        private readonly ValueGetter<VBuffer<TPixel>> _getPixels;
        private readonly ValueGetter<DataViewRowId> _getId;
        private readonly Dictionary<int, BufferedColumn> _columns;
        private readonly PixelBatch<TPixel> _batch;
        private readonly DataViewRowId[] _ids;
        private readonly long[] _batches;
        private readonly int[] _places;                     // of a row's features in the batch
        private readonly ExceptionDispatchInfo?[] _errors;  // why a row has none
        private readonly float[] _features;
        private readonly int _featureCount;
        private VBuffer<TPixel> _pixels;
        private ExceptionDispatchInfo? _failure;            // of MoveNext, behind the rows read
        private long _position = -1;
        private int _wanted = 1, _count, _current;

        public Cursor(BulkView<TPixel> view, DataViewRowCursor rows, DataViewSchema.Column[] passed) : base(view.Schema)
        {
            (_view, _rows) = (view, rows);
            _getPixels = rows.GetGetter<VBuffer<TPixel>>(PixelChain.PixelsOf(rows.Schema));
            _getId = rows.GetIdGetter();
            _batch = new PixelBatch<TPixel>(view._preprocessing);
            var capacity = _batch.Capacity;
            _columns = passed.DistinctBy(column => column.Index)
                .ToDictionary(column => column.Index, column => BufferedColumn.Create(rows, rows.Schema[column.Index], capacity));
            (_ids, _batches) = (new DataViewRowId[capacity], new long[capacity]);
            (_places, _errors) = (new int[capacity], new ExceptionDispatchInfo?[capacity]);
            _featureCount = ((VectorDataViewType)view.Features.Type).Size;
            _features = new float[capacity * _featureCount];
        }

        public override long Position => IsAtRow ? _position : -1; // as ML.NET's own, before the first row and after the last

        public override long Batch => IsAtRow ? _batches[_current] : 0;

        private bool IsAtRow => _current < _count;

        public override bool MoveNext()
        {
            _current++;
            if (!IsAtRow)
            {
                ReadAhead();
            }

            _position++;
            return IsAtRow;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => _view.IsFeatures(column) || _columns.ContainsKey(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = _ids[AtRow()];

        protected override Delegate? GetterOf<TValue>(DataViewSchema.Column column) =>
            _view.IsFeatures(column) ? (ValueGetter<VBuffer<float>>)GetFeatures
            : _columns[column.Index] is BufferedColumn<TValue> values
                ? (ValueGetter<TValue>)((ref TValue value) => values.Get(AtRow(), ref value))
            : null;

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _rows.Dispose();
            }

            base.Dispose(disposing);
        }

        private int AtRow() => IsAtRow ? _current : throw NoRow();

        private void GetFeatures(ref VBuffer<float> features)
        {
            var row = AtRow();
            _errors[row]?.Throw();
            var editor = VBufferEditor.Create(ref features, _featureCount);
            _features.AsSpan(_places[row] * _featureCount, _featureCount).CopyTo(editor.Values);
            features = editor.Commit();
        }

        private void ReadAhead()
        {
            (_count, _current) = (0, 0);
            _batch.Clear();
            while (_count < _wanted && MoveToNextRow())
            {
                ReadRow(_count++);
            }

            if (_count == 0 && _failure is { } failure)
            {
                _failure = null;
                failure.Throw();
            }

            _wanted = Math.Min(4 * _wanted, _batch.Capacity);
            if (_batch.Count > 0)
            {
                Score();
            }
        }

        private bool MoveToNextRow()
        {
            try
            {
                return _failure is null && _rows.MoveNext();
            }
            catch (Exception exception)
            {
                _failure = ExceptionDispatchInfo.Capture(exception);
                return false;
            }
        }

        private void ReadRow(int row)
        {
            _getId(ref _ids[row]);
            _batches[row] = _rows.Batch;
            foreach (var column in _columns.Values)
            {
                column.Read(row);
            }

            try
            {
                _getPixels(ref _pixels);
                (_places[row], _errors[row]) = (_batch.Count, null);
                _batch.Add(_pixels);
            }
            catch (Exception exception)
            {
                _errors[row] = ExceptionDispatchInfo.Capture(exception);
            }
        }

        private void Score()
        {
            try
            {
                using var tensor = _batch.ToTensor();
                using var outputs = _view._session.Value.Run(tensor);
                outputs[0].GetTensorDataAsSpan<float>().CopyTo(_features);
            }
            catch (OnnxRuntimeException exception)
            {
                _errors.AsSpan(0, _count).Fill(ExceptionDispatchInfo.Capture(exception));
            }
        }
    }
}
