namespace Microsoft.ML.ResNet.Shards;

/// <summary>What is read of shards, and how: the same for every one.</summary>
internal sealed record ShardReading(IReadOnlyList<Shard> Shards, ImageShardOptions Options, LabelNames Labels, ShardConnections Connections)
{
    /// <summary>Gets whether the files of images are read, or passed over.</summary>
    public bool WantsImages { get; init; } = true;

    /// <summary>Gets what is told of a shard or a sample that is damaged: it throws, or makes a note of it.</summary>
    public required Action<string> Damaged { get; init; }

    // With fewer shards than shares, each share has every so-many-th sample of each shard.
    private bool IsSharedBySample => Shards.Count < Options.Share.Count;

    /// <summary>Tells whether a sample of a shard is of this share.</summary>
    /// <param name="number">The sample's number in its shard.</param>
    public bool IsOwn(int number) => !IsSharedBySample || number % Options.Share.Count == Options.Share.Index;

    /// <summary>Lists the shards of this share, in the order in which they are read.</summary>
    /// <param name="seed">The seed of the order; null for that of the list.</param>
    public int[] Order(int? seed)
    {
        int[] order = [.. Enumerable.Range(0, Shards.Count)];
        if (seed is { } number)
        {
            ShardSeed.Of(number, Options.Epoch, ShardSeed.Shards).Shuffle(order);
        }

        return IsSharedBySample ? order : [.. order.Where((_, place) => place % Options.Share.Count == Options.Share.Index)];
    }
}
