using System.Numerics.Tensors;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>
/// A view with a model's Score and PredictedLabel over several views of each image. Rows are scored while they are read, a batch at a time
/// and one batch ahead; nothing else is kept.
/// </summary>
/// <remarks>
/// Each cursor reads the data twice in step: once for the images, on the scoring thread, and once for the other columns, on its own. So
/// rows are never shuffled.
/// </remarks>
internal sealed class ScoredView : IDataView
{
    private readonly IDataView _data;
    private readonly ViewScorer _scorer;
    private readonly ScoreColumns _added;

    public ScoredView(ResNetClassificationTransformer model, IDataView data, TestTimeViews views)
    {
        _data = data;
        _added = model.Added;
        _scorer = new ViewScorer(model, views);

        // Types and annotations are the model's own: what reads its scores reads these.
        var scored = model.GetOutputSchema(data.Schema);
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(data.Schema);
        foreach (var column in scored.Where(each => !each.IsHidden && (each.Name == _added.Score || each.Name == _added.PredictedLabel)))
        {
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        }

        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => _data.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var needed = columnsNeeded.Select(column => column.Index).ToHashSet();
        var columns = _data.Schema.Where(column => needed.Contains(column.Index));
        var rows = _data.GetRowCursorSet(columns, 1)[0]; // a set of one, as in PixelBatches
        var scores = needed.Any(IsOurs) ? ReadAhead.Of(_scorer.Score(_data), ahead: 1, "ResNet scoring").SelectMany(batch => batch) : null;
        return new Cursor(this, rows, needed, scores);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private bool IsOurs(int column) => column >= _data.Schema.Count;

    private sealed class Cursor(ScoredView view, DataViewRowCursor rows, HashSet<int> active, IEnumerable<float[]>? scores)
        : PassingCursor(view.Schema, rows)
    {
        private readonly DataViewRowCursor _rows = rows;
        private readonly IEnumerator<float[]>? _scores = scores?.GetEnumerator();

        public override bool MoveNext()
        {
            var moved = base.MoveNext();
            if (_scores is not null && _scores.MoveNext() != moved)
            {
                throw new InvalidOperationException(
                    "The data had another number of rows when it was read a second time. "
                    + "A view must give the same rows, in the same order, whenever it is read.");
            }

            return moved;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        protected override Delegate? GetterOf<TValue>(DataViewSchema.Column column) =>
            !view.IsOurs(column.Index) ? base.GetterOf<TValue>(_rows.Schema[column.Index])
            : column.Name == view._added.Score ? (ValueGetter<VBuffer<float>>)GetScore
            : (ValueGetter<uint>)GetPredictedLabel;

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _scores?.Dispose();
            }

            base.Dispose(disposing);
        }

        private void GetScore(ref VBuffer<float> score)
        {
            var editor = VBufferEditor.Create(ref score, _scores!.Current.Length);
            _scores.Current.CopyTo(editor.Values);
            score = editor.Commit();
        }

        // A key counts from 1.
        private void GetPredictedLabel(ref uint label) => label = (uint)TensorPrimitives.IndexOfMax(_scores!.Current) + 1;
    }
}
