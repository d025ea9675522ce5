namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>What the decoded images of a run may take.</summary>
/// <param name="MemoryBytes">The most bytes in memory; null for half of what the process may still take.</param>
/// <param name="Folder">Where a file holds those that do not fit.</param>
/// <param name="DiskReserve">The bytes of the disk that are left free.</param>
internal sealed record CacheLimits(long? MemoryBytes, string Folder, long DiskReserve);
