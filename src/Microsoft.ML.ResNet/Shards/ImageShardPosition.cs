namespace Microsoft.ML.ResNet;

/// <summary>
/// A place between two rows of <see cref="ImageShards"/>, where reading can go on later, in another process: it is a few numbers and a
/// text, and can be kept as JSON.
/// </summary>
/// <param name="Order">What decides the order of the rows, in short: another order has no such place.</param>
/// <param name="Rows">The rows before it, since the beginning of the order.</param>
/// <param name="Group">The group of rows that it lies in; a group is read, and mixed, together.</param>
/// <param name="GroupRows">The rows before that group.</param>
/// <param name="Shard">The shard in which that group begins: how many come before it.</param>
/// <param name="Sample">The samples before it in that shard.</param>
/// <param name="Offset">The bytes before it in that shard.</param>
public sealed record ImageShardPosition(string Order, long Rows, int Group, long GroupRows, int Shard, int Sample, long Offset);
