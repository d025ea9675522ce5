namespace Microsoft.ML.ResNet.Shards;

/// <summary>A place between two samples.</summary>
/// <param name="Shard">The shards before it, in the order in which they are read.</param>
/// <param name="Sample">The samples before it in its shard.</param>
/// <param name="Offset">The bytes before it in its shard.</param>
internal readonly record struct ShardPlace(int Shard, int Sample, long Offset);
