using System.Buffers;

namespace Microsoft.ML.ResNet.Shards;

/// <summary>The members of a shard that have one key: an image, with its label and what else is known of it.</summary>
/// <param name="shard">The shard's number in the list of the shards.</param>
/// <param name="number">The sample's number in the shard.</param>
internal sealed class ShardSample(int shard, int number) : IDisposable
{
    private byte[]? _content;

    public int Shard => shard;

    public int Number => number;

    /// <summary>Gets the shard and the member of the image.</summary>
    public required string ImagePath { get; init; }

    /// <summary>Gets the length of the image's file.</summary>
    public int ImageLength { get; init; }

    /// <summary>Gets the image's file; empty where it was not wanted.</summary>
    public ReadOnlySpan<byte> Image => _content is null ? [] : _content.AsSpan(0, ImageLength);

    /// <summary>Gets the label; null where there is none.</summary>
    public string? Label { get; init; }

    /// <summary>Gets the label's number in the names of the classes, counted from 1; 0 where there is none.</summary>
    public uint Key { get; init; }

    /// <summary>Gets the .json; null where there is none.</summary>
    public string? Metadata { get; init; }

    /// <summary>Gets a buffer of the pool, which goes back there with the sample.</summary>
    public byte[]? Content
    {
        init => _content = value;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _content, null) is { } content)
        {
            ArrayPool<byte>.Shared.Return(content);
        }
    }
}
