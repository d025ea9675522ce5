namespace Microsoft.ML.ResNet.Shards;

/// <summary>The samples of shards, one shard after another; where there is a seed, a group of them at a time is read and mixed.</summary>
/// <remarks>
/// A group is mixed by random numbers of its own: to go on in it, it is read again from its beginning, and nothing before it is.
/// </remarks>
internal sealed class ShardSamples : IDisposable
{
    /// <summary>The rows between two places where reading can go on, where samples are not mixed.</summary>
    public const int PlainGroup = 1_000;

    private readonly ShardReading _reading;
    private readonly int[] _order;
    private readonly int? _seed;
    private readonly Queue<ShardSample> _mixed = [];
    private ShardReader? _reader;
    private ShardPlace _place;
    private int _inGroup;

    /// <param name="reading">What is read, and how.</param>
    /// <param name="seed">The seed of the order; null for that of the list.</param>
    /// <param name="place">Where the first group begins.</param>
    /// <param name="group">The groups before it.</param>
    public ShardSamples(ShardReading reading, int? seed, ShardPlace place, int group)
    {
        (_reading, _order, _seed, _place, Group) = (reading, reading.Order(seed), seed, place, group - 1);
        _inGroup = int.MaxValue; // so that the first sample begins one
    }

    /// <summary>Gets the group of the last sample.</summary>
    public int Group { get; private set; }

    /// <summary>Gets where that group begins.</summary>
    public ShardPlace GroupStart { get; private set; }

    private bool IsMixed => _seed is not null && _reading.Options.ShuffleBuffer > 1;

    /// <summary>Gets the next sample.</summary>
    /// <returns>The sample, to be disposed of; null at the end.</returns>
    public ShardSample? Next()
    {
        if (IsMixed)
        {
            if (_mixed.Count == 0)
            {
                Mix();
            }

            return _mixed.TryDequeue(out var mixed) ? mixed : null;
        }

        if (_inGroup >= PlainGroup)
        {
            BeginGroup();
        }

        _inGroup++;
        return Read();
    }

    public void Dispose()
    {
        _reader?.Dispose();
        while (_mixed.TryDequeue(out var sample))
        {
            sample.Dispose();
        }
    }

    private void BeginGroup()
    {
        Group++;
        (GroupStart, _inGroup) = (_place, 0);
    }

    private void Mix()
    {
        BeginGroup();
        var (options, bytes) = (_reading.Options, 0L);
        List<ShardSample> group = [];
        try
        {
            while (group.Count < options.ShuffleBuffer && bytes < options.ShuffleBufferBytes && Read() is { } sample)
            {
                group.Add(sample);
                bytes += sample.ImageLength;
            }
        }
        catch
        {
            group.ForEach(sample => sample.Dispose());
            throw;
        }

        ShardSeed.Of(_seed!.Value, options.Epoch, Group + 1).Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(group));
        group.ForEach(_mixed.Enqueue);
    }

    private ShardSample? Read()
    {
        while (_place.Shard < _order.Length)
        {
            _reader ??= new ShardReader(_reading, _order[_place.Shard], _place.Sample, _place.Offset);
            var sample = _reader.Read();
            if (_reader.Next is { } next)
            {
                _place = _place with { Sample = next.Number, Offset = next.Offset };
            }
            else
            {
                _reader.Dispose();
                (_reader, _place) = (null, new ShardPlace(_place.Shard + 1, 0, 0));
            }

            if (sample is not null)
            {
                return sample;
            }
        }

        return null;
    }
}
