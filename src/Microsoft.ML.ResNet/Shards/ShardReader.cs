using System.Globalization;
using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Shards;

/// <summary>Reads the samples of a shard: members that follow each other and have one key, which is a name up to its first point.</summary>
internal sealed class ShardReader : IDisposable
{
    private readonly Shard _shard;
    private readonly ShardReading _reading;
    private readonly int _shardIndex;
    private readonly Stream _stream;
    private readonly BoundedTarReader _tar;
    private readonly ShardMembers _members;
    private string _key = "";
    private string _extension = "";
    private bool _isAtMember; // that no sample has taken yet
    private bool _isOver;
    private int _number;      // of the next sample

    /// <param name="reading">What is read, and how.</param>
    /// <param name="shardIndex">Which of the shards.</param>
    /// <param name="number">The samples before the first one that is read.</param>
    /// <param name="offset">The bytes before it.</param>
    public ShardReader(ShardReading reading, int shardIndex, int number, long offset)
    {
        (_reading, _shardIndex, _shard, _number) = (reading, shardIndex, reading.Shards[shardIndex], number);
        _members = new ShardMembers(reading.Options, reading.Labels);
        _stream = _shard.Open(offset, reading.Connections);
        _tar = new BoundedTarReader(_stream) { FollowsExtendedHeaders = true, Position = offset };
    }

    /// <summary>Gets the samples that have been read or passed over, and where the next one begins; null at the shard's end.</summary>
    public (int Number, long Offset)? Next => _isOver ? null : (_number, _isAtMember ? _tar.EntryStart : _tar.Position);

    /// <summary>Reads the next sample.</summary>
    /// <returns>The sample, to be disposed of; null at the shard's end.</returns>
    /// <exception cref="InvalidDataException">The shard or the sample is damaged, and that is to be the end.</exception>
    /// <exception cref="IOException">The shard cannot be read.</exception>
    public ShardSample? Read()
    {
        while (!_isOver)
        {
            var (sample, problem) = ReadOrSay();
            if (sample is not null)
            {
                return sample;
            }

            if (problem is not null)
            {
                _reading.Damaged(problem);
            }
        }

        return null;
    }

    public void Dispose()
    {
        _members.Clear();
        _stream.Dispose();
    }

    private (ShardSample? Sample, string? Problem) ReadOrSay()
    {
        try
        {
            return _isAtMember || Advance() ? ReadSample() : default;
        }
        catch (Exception exception) when (exception is EndOfStreamException or InvalidDataException)
        {
            _isOver = true;
            _members.Clear();
            var after = _key.Length > 0 ? $" within or after its sample {Quote(_key)}" : "";
            var why = exception is InvalidDataException ? exception.Message : "it is cut short";
            var place = _tar.Position.ToString("n0", CultureInfo.InvariantCulture);
            return (null, $"Shard '{_shard.Name}' is damaged{after}, at byte {place}: {why}.");
        }
    }

    private (ShardSample? Sample, string? Problem) ReadSample()
    {
        var (key, number) = (_key, _number++);
        var isWanted = _reading.IsOwn(number);
        do
        {
            if (isWanted)
            {
                _members.Take(_tar.Name, _extension, _tar, _reading.WantsImages);
            }
        }
        while (Advance() && _key == key);
        if (!isWanted)
        {
            return default;
        }

        var isInside = !key.StartsWith('/') && !key.Split('/', '\\').Contains("..");
        var sample = isInside ? _members.Finish(_shard, _shardIndex, number) : null;
        var problem = isInside ? _members.Problem : "has a name that leads out of the shard";
        _members.Clear();
        return (sample, problem is null ? null : $"Sample {Quote(key)} of shard '{_shard.Name}' {problem}.");
    }

    // To the next member that can belong to a sample.
    private bool Advance()
    {
        _isAtMember = false;
        while (_tar.MoveNext())
        {
            if (_tar.IsFile && TrySplit(_tar.Name))
            {
                return _isAtMember = true;
            }
        }

        _isOver = true;
        return false;
    }

    private bool TrySplit(string name)
    {
        var start = name.LastIndexOf('/') + 1;
        var point = name.IndexOf('.', start);
        if (point <= start || point == name.Length - 1)
        {
            return false;
        }

        (_key, _extension) = (name[..point], name[(point + 1)..].ToLowerInvariant());
        return true;
    }
}
