using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Shards;

namespace Microsoft.ML.ResNet;

public sealed partial class ImageShards
{
    // A cursor over samples, wherever they come from.
    private abstract class SampleCursor(ImageShards view, bool[] active) : ViewCursor(view.Schema)
    {
        private ShardSample? _sample;
        private bool _isOver;

        public override long Position => _sample is null ? -1 : Rows - 1;

        public override long Batch => 0;

        // Of this cursor.
        protected long Rows { get; private set; }

        public override bool MoveNext()
        {
            if (_isOver)
            {
                return false;
            }

            _sample?.Dispose();
            _sample = null;
            _sample = Next();
            _isOver = _sample is null;
            Rows += _isOver ? 0 : 1;
            return !_isOver;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ref DataViewRowId id) => id = new DataViewRowId((ulong)Row().Number, (ulong)Row().Shard);

        protected abstract ShardSample? Next();

        protected override Delegate? GetterOf<TValue>(DataViewSchema.Column column) => column.Name switch
        {
            ImageColumn => (ValueGetter<MLImage>)GetImage,
            LabelColumn when column.Type is KeyDataViewType => (ValueGetter<uint>)((ref uint key) => key = Row().Key),
            LabelColumn => Text(sample => sample.Label),
            PathColumn => Text(sample => sample.ImagePath),
            _ => Text(sample => sample.Metadata),
        };

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _sample?.Dispose();
                _sample = null;
                _isOver = true;
            }

            base.Dispose(disposing);
        }

        private ValueGetter<ReadOnlyMemory<char>> Text(Func<ShardSample, string?> of) =>
            (ref ReadOnlyMemory<char> text) => text = of(Row()).AsMemory();

        // As LoadImages does it: the image belongs to the caller, who hands the last one back to be disposed.
        private void GetImage(ref MLImage image)
        {
            image?.Dispose();
            image = null!;
            var sample = Row();
            image = view._decoder.Decode(sample.Image, $"Image '{sample.ImagePath}'");
            image.Tag = view._reading.Shards[sample.Shard].Address is null ? sample.ImagePath : null;
        }

        private ShardSample Row() => _sample ?? throw NoRow();
    }

    private sealed class Cursor : SampleCursor
    {
        private readonly ImageShards _view;
        private readonly ShardSamples _samples;
        private readonly bool _isOwnOrder;
        private long _toPass;
        private long _passed; // rows since the order's beginning
        private int _group = -1;

        public Cursor(ImageShards view, bool[] active, int? otherSeed)
            : base(view, active)
        {
            (_view, _isOwnOrder) = (view, otherSeed is null);
            var start = view._start;
            var reading = view._reading with { WantsImages = active[view.Schema[ImageColumn].Index] };
            var place = new ShardPlace(start.Shard, start.Sample, start.Offset);
            _samples = new ShardSamples(reading, otherSeed ?? view._options.Seed, place, start.Group);
            (_passed, _toPass) = (start.GroupRows, start.Rows - start.GroupRows);
        }

        protected override ShardSample? Next()
        {
            while (_samples.Next() is { } sample)
            {
                NoteGroup();
                _passed++;
                if (_toPass == 0)
                {
                    if (_isOwnOrder)
                    {
                        _view.OnRow(Rows + 1);
                    }

                    return sample;
                }

                _toPass--;
                sample.Dispose();
            }

            NoteGroup();
            return null;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _samples.Dispose();
            }

            base.Dispose(disposing);
        }

        private void NoteGroup()
        {
            if (_samples.Group != _group && _isOwnOrder)
            {
                _group = _samples.Group;
                var (shard, number, offset) = _samples.GroupStart;
                _view.OnGroup(new ImageShardPosition(_view._order, _passed, _group, _passed, shard, number, offset));
            }
        }
    }

    private sealed class BroughtRows(ImageShards shards, Func<ShardSample?> next) : IDecodesImages
    {
        public DataViewSchema Schema => shards.Schema;

        public bool CanShuffle => false;

        public long? GetRowCount() => null;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
            new BroughtCursor(shards, shards.ActiveOf(columnsNeeded), next);

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
            [GetRowCursor(columnsNeeded, rand)];
    }

    private sealed class BroughtCursor(ImageShards view, bool[] active, Func<ShardSample?> next) : SampleCursor(view, active)
    {
        protected override ShardSample? Next() => next();
    }
}
