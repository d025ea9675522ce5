using System.Numerics;
using Microsoft.ML.ResNet.Shards;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The stages of the user's pipeline over one sample at a time. For one thread at a time.</summary>
internal sealed class SampleDecoder<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private readonly DataViewRowCursor _cursor;
    private readonly RowImageReader<T> _reader;
    private ShardSample? _sample;

    public SampleDecoder(ShardSource source, Func<IDataView, (DataViewRowCursor Cursor, RowImageReader<T> Reader)> open) =>
        (_cursor, _reader) = open(source.ApplyTo(source.Shards.RowsOf(() => _sample)));

    /// <summary>Gets what was wrong with the sample that was read last; empty where nothing was.</summary>
    public string Failure => _reader.Failure;

    /// <summary>Decodes a sample; the image is valid until the next one is read, and null where it could not be.</summary>
    public StoredImage<T>? Read(ShardSample sample, (int Label, float Weight, bool Whole) known)
    {
        _sample = sample;
        _cursor.MoveNext();
        return _reader.Read(known.Label, known.Weight, known.Whole);
    }

    public void Dispose() => _cursor.Dispose();
}
